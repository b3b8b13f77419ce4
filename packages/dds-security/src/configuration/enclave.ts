import { CredentialError, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { Configuration, LocatedValue } from "./model.ts";
import type { PropertyRow, SecurityProperty } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";

/** One file of an enclave's folder. */
export interface EnclaveFile {
  /** Its name in the folder, such as `key.pem`. */
  readonly name: string;
  /** What names it: a `file:` URI. */
  readonly uri: string;
  /** Of a `.p11` file: its content, at most 16 KiB. */
  readonly text?: string;
}

/**
 * The configuration that the folder of a ROS 2 enclave makes: the files that rmw hands to the DDS implementation,
 * each under its fixed name. A `.p11` file holds a `pkcs11:` URI in place of the PEM file of its name.
 *
 * @param folder what the enclave is called in messages
 */
export function configurationFromEnclave(folder: string, files: readonly EnclaveFile[]): Configuration {
  const properties = new Map<SecurityProperty, LocatedValue>();
  const broken = new Set<string>();
  const findings: Finding[] = [];
  for (const { property, pem, p11 } of ENCLAVE_FILES) {
    const plain = files.find(({ name }) => name === pem);
    const token = p11 === undefined ? undefined : files.find(({ name }) => name === p11);
    const chosen = token ?? plain;
    if (chosen === undefined) continue;
    const location = { file: `${folder}/${chosen.name}`, line: 1, column: 1 };
    if (token === undefined) {
      properties.set(property, { value: chosen.uri, written: chosen.uri });
      continue;
    }
    if (plain !== undefined) findings.push(twice(property, token.name, plain.name, location));
    findings.push(notReadByCyclone(property, token.name, location));
    const uri = (token.text ?? "").trim();
    if (/^pkcs11:/i.test(uri)) properties.set(property, { value: uri, written: uri, location });
    else {
      broken.add(property);
      findings.push(
        finding("CONFIG_INVALID", "error", `${token.name} does not begin with pkcs11:`, {
          property,
          location,
          hint: "Write one pkcs11: URI into it, and nothing else.",
        }),
      );
    }
  }
  findings.push(...judgeRequirements(properties, broken, undefined, { missing }));
  return { form: "sros2", source: folder, domain: undefined, properties, settings: new Map(), findings };
}

/**
 * Whether a folder with these files is an enclave: an identity's, or permissions with the certificates of an enclave.
 * Signed documents alone lie beside configurations of other kinds too.
 */
export function isEnclave(names: readonly string[]): boolean {
  const holds = (...some: readonly string[]) => some.some((name) => names.includes(name));
  if (holds("cert.pem", "cert.p11", "key.pem", "key.p11")) return true;
  return holds("permissions.p7s") && holds("identity_ca.cert.pem", "permissions_ca.cert.pem");
}

/** The name of each credential's file, as rmw looks for it. */
const ENCLAVE_FILES: readonly {
  readonly property: SecurityProperty;
  readonly pem: string;
  readonly p11?: string;
}[] = [
  { property: "dds.sec.auth.identity_ca", pem: "identity_ca.cert.pem", p11: "identity_ca.cert.p11" },
  { property: "dds.sec.auth.identity_certificate", pem: "cert.pem", p11: "cert.p11" },
  { property: "dds.sec.auth.private_key", pem: "key.pem", p11: "key.p11" },
  {
    property: "dds.sec.access.permissions_ca",
    pem: "permissions_ca.cert.pem",
    p11: "permissions_ca.cert.p11",
  },
  { property: "dds.sec.access.governance", pem: "governance.p7s" },
  { property: "dds.sec.access.permissions", pem: "permissions.p7s" },
  { property: "org.eclipse.cyclonedds.sec.auth.crl", pem: "crl.pem" },
];

/** Names of all files that count in an enclave. */
export const enclaveFileNames: readonly string[] = ENCLAVE_FILES.flatMap(({ pem, p11 }) =>
  p11 === undefined ? [pem] : [pem, p11],
);

function missing({ property, element }: PropertyRow) {
  const file = ENCLAVE_FILES.find((row) => row.property === property);
  if (file === undefined) throw new CredentialError("CONFIG_INVALID", `an enclave has no ${element}`);
  return {
    message: `${file.pem} is missing (${property})`,
    hint: `Put ${file.pem}${file.p11 === undefined ? "" : ` or ${file.p11}`} into the enclave's folder.`,
  };
}

const twice = (property: string, token: string, plain: string, location: SourceLocation): Finding =>
  finding(
    "PROPERTY_CONFLICT",
    "warning",
    `both ${token} and ${plain} are there; the URI in ${token} is judged`,
    {
      property,
      location,
      hint: "Keep one of the two.",
    },
  );

const notReadByCyclone = (property: string, name: string, location: SourceLocation): Finding =>
  finding("PEER_DIFFERS", "warning", `${name} is not read by rmw_cyclonedds; rmw_fastrtps reads it`, {
    property,
    location,
    peers: ["cyclonedds"],
    hint: "With rmw_cyclonedds, name the pkcs11: URI in a Cyclone DDS configuration.",
  });
