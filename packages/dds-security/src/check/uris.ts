import { CredentialError, type PeerReading, parseDataUri, parseFileUri, uriScheme } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/**
 * What the texts of the URIs say by themselves: what an implementation would read otherwise. What makes a URI
 * unusable is found when it is opened, and is not said here.
 */
export function judgeUris(configuration: Configuration): Finding[] {
  const findings: Finding[] = [];
  for (const [property, value] of configuration.properties) {
    const remark = uriRemark(value.value);
    if (remark !== undefined)
      findings.push(finding("PEER_DIFFERS", "info", remark, place(configuration, property)));
    for (const reading of readings(configuration, property, value.value)) {
      findings.push(
        finding(
          "PEER_DIFFERS",
          "warning",
          `${peerName(reading.peer)} ${reading.accepted ? "reads" : "does not accept"} this: ${reading.reads}`,
          {
            ...place(configuration, property),
            peers: [reading.peer],
          },
        ),
      );
    }
  }
  return findings;
}

/** Readings that differ, of the implementations that may read this configuration. */
function readings(
  configuration: Configuration,
  property: SecurityProperty,
  uri: string,
): readonly PeerReading[] {
  const all = [...uriReadings(uri), ...documentReadings(property, uri)];
  return configuration.form === "cyclonedds" ? all.filter(({ peer }) => peer === "cyclonedds") : all;
}

function uriReadings(uri: string): readonly PeerReading[] {
  try {
    const scheme = uriScheme(uri);
    if (scheme === "file") return parseFileUri(uri).readings;
    return scheme === "data" ? parseDataUri(uri).readings : [];
  } catch (error) {
    if (error instanceof CredentialError) return [];
    throw error;
  }
}

function uriRemark(uri: string): string | undefined {
  try {
    return uriScheme(uri) === "file" ? parseFileUri(uri).remark : undefined;
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

/** Cyclone DDS edits the paths of signed documents before it opens them. */
function documentReadings(property: SecurityProperty, uri: string): readonly PeerReading[] {
  const isDocument = property === "dds.sec.access.governance" || property === "dds.sec.access.permissions";
  if (!isDocument || uriScheme(uri) !== "file" || !/[\\"]/.test(uri)) return [];
  return [
    { peer: "cyclonedds", accepted: true, reads: 'a path with "/" for "\\" and without quotation marks' },
  ];
}

const peerName = (peer: PeerReading["peer"]) => ({ cyclonedds: "Cyclone DDS", fastdds: "Fast DDS" })[peer];
