import { CredentialError, parseDataUri, parsePkcs11Uri, uriScheme } from "@ddscred/core";
import { literalText, VARIABLE } from "../configuration/literal.ts";
import type { Configuration, LocatedValue } from "../configuration/model.ts";
import { elementOf, type SecurityProperty } from "../configuration/properties.ts";
import { type Finding, finding } from "../finding.ts";
import { exposedTo, type FileExposure } from "./exposure.ts";
import { place } from "./place.ts";

/**
 * The secrets that stand in the configuration itself: PINs, a passphrase, a private key. What counts is the text as
 * it is written: what comes from a variable is not in the file, the alternative of a variable is.
 */
export function judgeSecrets(configuration: Configuration, exposure: FileExposure): Finding[] {
  const exposed = exposedTo(exposure);
  return [...judgePins(configuration, exposed), ...judgeOthers(configuration, exposed)];
}

/** One finding for all PINs of a file: its first place, and the names of the others. */
function judgePins(configuration: Configuration, exposed: string | undefined): Finding[] {
  const withPin = [...configuration.properties]
    .filter(([, { written }]) => holdsPin(written))
    .map(([property]) => property);
  const [first] = withPin;
  if (first === undefined) return [];
  const names = withPin.map(elementOf).join(", ");
  if (exposed !== undefined) {
    return [
      finding("PIN_EXPOSED", "error", `a PIN stands in a file that other users may ${exposed} (${names})`, {
        ...place(configuration, first),
        hint: `${restrict(configuration, first)}, or ${KEEP_OUT[configuration.form]}.`,
      }),
    ];
  }
  return [
    finding("PIN_INLINE", "warning", `a PIN stands in the configuration (${names})`, {
      ...place(configuration, first),
      hint: `Keep the file closed to others (mode 0600), or ${KEEP_OUT[configuration.form]}.`,
    }),
  ];
}

const WITH_VARIABLE = "write pin-value=${DDS_PIN} and give the variable to the participant alone";
const FOR_FASTDDS = "leave it out and give the participant alone FASTDDS_PKCS11_PIN";
const KEEP_OUT = {
  cyclonedds: WITH_VARIABLE,
  properties: WITH_VARIABLE,
  fastdds: FOR_FASTDDS,
  sros2: FOR_FASTDDS,
};

function judgeOthers(configuration: Configuration, exposed: string | undefined): Finding[] {
  if (exposed === undefined) return [];
  const { password, properties } = configuration;
  const findings: Finding[] = [];
  const add = (what: string, extra: Parameters<typeof finding>[3]) => {
    const message = `${what} stands in a file that other users may ${exposed}`;
    findings.push(finding("SECRET_EXPOSED", "error", message, extra));
  };
  if (password?.literal === true) {
    add("the passphrase of the private key", {
      property: "dds.sec.auth.password",
      ...(password.location && { location: password.location }),
      hint: `${restrict(configuration)}, or take the passphrase from an environment variable.`,
    });
  }
  const key = properties.get(PRIVATE_KEY);
  if (key !== undefined && holdsKey(key)) {
    add("the private key", {
      ...place(configuration, PRIVATE_KEY),
      hint: `${restrict(configuration)}, or keep the key in a file of its own (mode 0600) or on a token.`,
    });
  }
  return findings;
}

/** Whether a PIN, or a part of one, stands in a text as it is written. */
function holdsPin(written: string): boolean {
  const text = literalText(written);
  return uriScheme(text) !== "data" && pinOf(text).replaceAll(VARIABLE, "") !== "";
}

/** What looks like a PIN counts as one, under a name that is written wrong too. */
function pinOf(text: string): string {
  try {
    // A variable may stand for any text: escaped, it may stand where a letter may.
    const uri = parsePkcs11Uri(text.replaceAll(VARIABLE, encodeURIComponent(VARIABLE)), { lenient: true });
    return uri.query["pin-value"]?.reveal() ?? PIN_VALUE.exec(text)?.[1] ?? "";
  } catch (error) {
    if (error instanceof CredentialError) return PIN_VALUE.exec(text)?.[1] ?? "";
    throw error;
  }
}

/** A private key in data: that no passphrase protects, literally or in part. */
function holdsKey({ value, written }: LocatedValue): boolean {
  const text = literalText(written);
  if (uriScheme(text) !== "data") return false;
  const content = text.slice(text.indexOf(",") + 1).replaceAll(VARIABLE, "");
  return content.trim() !== "" && !isEncrypted(value);
}

/** Both forms of encrypted PEM say so (RFC 7468 11, RFC 1421 4.6.1.1). */
function isEncrypted(uri: string): boolean {
  try {
    const { bytes } = parseDataUri(uri);
    return /ENCRYPTED/.test(String.fromCharCode(...bytes.subarray(0, HEAD)));
  } catch (error) {
    if (error instanceof CredentialError) return false;
    throw error;
  }
}

/** The file is that of the configuration, or the one that holds the property. */
function restrict({ file, properties }: Configuration, property?: SecurityProperty): string {
  const holder = property === undefined ? undefined : properties.get(property)?.location?.file;
  return `Restrict it (\`chmod 0600 ${file ?? holder ?? "FILE"}\`)`;
}

const PRIVATE_KEY = "dds.sec.auth.private_key";
const HEAD = 200;
/** pin-value however it is spelt; where no URI can be read, what follows up to a separator is the PIN. */
const PIN_VALUE = /pin[-_]?value\s*(?:=|%3d)\s*([^;&?]*)/i;
