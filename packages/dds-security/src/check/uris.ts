import {
  CredentialError,
  type PeerReading,
  parseDataUri,
  parseFileUri,
  parsePkcs11Uri,
  uriScheme,
} from "@ddscred/core";
import type { Configuration, LocatedValue } from "../configuration/model.ts";
import { elementOf, type SecurityProperty } from "../configuration/properties.ts";
import { type Finding, finding } from "../finding.ts";

/**
 * What the texts of the URIs say by themselves: PINs that stand in them, and what an implementation would
 * read otherwise. What makes a URI unusable is found when it is opened, and is not said here.
 */
export function judgeUris(configuration: Configuration, readableByOthers: boolean): Finding[] {
  const findings: Finding[] = [];
  const withPin: [SecurityProperty, LocatedValue][] = [];
  for (const [property, value] of configuration.properties) {
    if (holdsPin(value.value)) withPin.push([property, value]);
    const remark = uriRemark(value.value);
    if (remark !== undefined) findings.push(finding("PEER_DIFFERS", "info", remark, place(property, value)));
    for (const reading of readings(configuration, property, value.value)) {
      findings.push(
        finding(
          "PEER_DIFFERS",
          "warning",
          `${peerName(reading.peer)} ${reading.accepted ? "reads" : "does not accept"} this: ${reading.reads}`,
          {
            ...place(property, value),
            peers: [reading.peer],
          },
        ),
      );
    }
  }
  return [...findings, ...judgePins(configuration, withPin, readableByOthers)];
}

/** One finding for all PINs of a file: its first place, and the names of the others. */
function judgePins(
  configuration: Configuration,
  withPin: readonly (readonly [SecurityProperty, LocatedValue])[],
  readableByOthers: boolean,
): Finding[] {
  const [first] = withPin;
  if (first === undefined) return [];
  const names = withPin.map(([property]) => elementOf(property)).join(", ");
  const written = withPin.some(([, value]) => holdsPin(value.written));
  if (written && readableByOthers) {
    return [
      finding("PIN_EXPOSED", "error", `a PIN stands in a file that other users may read (${names})`, {
        ...place(...first),
        hint: `Restrict it (\`chmod 0600 ${configuration.file ?? "FILE"}\`), or use pin-source=file: in place of pin-value.`,
      }),
    ];
  }
  return [
    finding("PIN_INLINE", "warning", `a PIN stands in the configuration (${names})`, {
      ...place(...first),
      hint: "Prefer pin-source=file:/path (mode 0600) where the implementation reads it, or an environment variable.",
    }),
  ];
}

function holdsPin(uri: string): boolean {
  if (uriScheme(uri) !== "pkcs11") return false;
  try {
    return parsePkcs11Uri(uri, { lenient: true }).query["pin-value"] !== undefined;
  } catch {
    return /pin-value/i.test(uri);
  }
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

const place = (property: SecurityProperty, value: LocatedValue) => ({
  property,
  uri: value.value,
  ...(value.location === undefined ? {} : { location: value.location }),
});

const peerName = (peer: PeerReading["peer"]) => ({ cyclonedds: "Cyclone DDS", fastdds: "Fast DDS" })[peer];
