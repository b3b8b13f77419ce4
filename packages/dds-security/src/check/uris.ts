import {
  CredentialError,
  misnamedAttribute,
  misnamedQuery,
  type PeerReading,
  parseDataUri,
  parseFileUri,
  parsePkcs11Uri,
  uriScheme,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { documentReaders } from "../documents/signed-form.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/**
 * What the texts of the URIs say by themselves: what an implementation would read otherwise. What makes a URI
 * unusable is found when it is opened, and is not said here.
 */
export function judgeUris(configuration: Configuration): Finding[] {
  const findings: Finding[] = [];
  for (const [property, value] of configuration.properties) {
    const remark = uriRemark(configuration, value.value);
    if (remark !== undefined)
      findings.push(
        finding("PEER_DIFFERS", "info", remark, { ...place(configuration, property), ...advice(remark) }),
      );
    const misnamed = misnamedIn(value.value);
    if (misnamed !== undefined)
      findings.push(finding("URI_ATTRIBUTE_UNKNOWN", "warning", misnamed, place(configuration, property)));
    for (const reading of readings(configuration, property, value.value)) {
      findings.push(
        finding(
          "PEER_DIFFERS",
          "warning",
          `${documentReaders[reading.peer]} ${reading.accepted ? "reads" : "does not accept"} this: ${reading.reads}`,
          {
            ...place(configuration, property),
            ...(uriScheme(value.value) === "pkcs11" ? { hint: PIN_ADVICE[reading.peer] } : {}),
            peers: [reading.peer],
          },
        ),
      );
    }
  }
  return findings;
}

const PIN_FROM_FILE =
  "Cyclone DDS leaves pin-source=file: to OpenSSL: its pkcs11 provider reads it; pin-value is read everywhere";

/** Of each implementation, the one form of what stands behind the ? that it surely reads. */
const PIN_ADVICE = {
  cyclonedds:
    "For Cyclone DDS write pin-value=${DDS_PIN}, and give the variable to the participant alone; pin-source=file: is as good where OpenSSL's pkcs11 provider is used.",
  fastdds: "For Fast DDS leave it out, and give the variable that is named to the participant alone.",
} as const;

const advice = (remark: string) => (remark === PIN_FROM_FILE ? { hint: PIN_ADVICE.cyclonedds } : {});

/** Readings that differ, of the implementations that may read this configuration. */
function readings(
  configuration: Configuration,
  property: SecurityProperty,
  uri: string,
): readonly PeerReading[] {
  const ofFastdds = property === "dds.sec.auth.private_key" ? queryReadings(uri) : [];
  // A profile of Fast DDS was read as Fast DDS does, an enclave's URIs are made by rmw: but what is behind the ? is not.
  if (configuration.form === "fastdds" || configuration.form === "sros2") return ofFastdds;
  const all = [
    ...uriReadings(uri),
    ...documentReadings(property, uri),
    ...pinSourceReadings(uri),
    ...ofFastdds,
  ];
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

function uriRemark(configuration: Configuration, uri: string): string | undefined {
  try {
    const scheme = uriScheme(uri);
    if (scheme === "file") return parseFileUri(uri).remark;
    const fromFile = scheme === "pkcs11" && /^file:/i.test(parsePkcs11Uri(uri).query["pin-source"] ?? "");
    return fromFile && configuration.form === "cyclonedds" ? PIN_FROM_FILE : undefined;
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

function misnamedIn(uri: string): string | undefined {
  if (uriScheme(uri) !== "pkcs11") return undefined;
  try {
    const parsed = parsePkcs11Uri(uri);
    return misnamedAttribute(parsed) ?? misnamedQuery(parsed);
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

/**
 * The manual of Cyclone DDS names pin-value alone; the provider of OpenSSL that it loads knows pin-source=file: too.
 */
function pinSourceReadings(uri: string): readonly PeerReading[] {
  if (uriScheme(uri) !== "pkcs11") return [];
  try {
    const source = parsePkcs11Uri(uri).query["pin-source"];
    if (source === undefined || /^file:/i.test(source)) return [];
  } catch (error) {
    if (error instanceof CredentialError) return [];
    throw error;
  }
  const reads = "it takes the PIN from pin-value, and from pin-source=file: where its OpenSSL provider does";
  return [{ peer: "cyclonedds", accepted: false, reads }];
}

/** Fast DDS has the URI read by the engine of libp11, which knows neither attribute: it then opens no key. */
function queryReadings(uri: string): readonly PeerReading[] {
  if (uriScheme(uri) !== "pkcs11") return [];
  try {
    const { query } = parsePkcs11Uri(uri);
    return INSTEAD.filter(([name]) => query[name] !== undefined).map(([name, instead]) => ({
      peer: "fastdds" as const,
      accepted: false,
      reads: `it knows no ${name}; ${instead}`,
    }));
  } catch (error) {
    if (error instanceof CredentialError) return [];
    throw error;
  }
}

const INSTEAD = [
  ["pin-source", "it takes the PIN from FASTDDS_PKCS11_PIN or pin-value"],
  ["module-path", "it takes the module from PKCS11_MODULE_PATH"],
] as const;
