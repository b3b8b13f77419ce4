import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { conformanceMaterial as built, type FixtureMaterial } from "@ddscred/backend-conformance";
import { parseCertificate } from "@ddscred/core";
import { certificateFields } from "./issue.ts";
import { certificateObject, privateKeyObject, type TokenObjectSpec } from "./objects.ts";
import { type Provisioning, provision } from "./provision.ts";

/** The certificates as objects, with what the standard wants of them: some tokens refuse any other. */
export function certificateObjects({ ca, ec, rsa, twins }: FixtureMaterial): TokenObjectSpec[] {
  const stored = [ca, ec, rsa, ...twins].filter((one) => one !== undefined);
  return stored.map(({ certificate, label, id }) => whole(certificate.der, { label, id: hex(id) }));
}

/** The EC certificate (that of RSA where there is none) and the CA's, once more under one label. */
export function chainObjects({ ca, ec, rsa }: FixtureMaterial): TokenObjectSpec[] {
  const chain = [ca, ec ?? rsa].filter((one) => one !== undefined);
  return chain.map(({ certificate }, n) =>
    whole(certificate.der, { label: "conformance-chain", id: `c${n}` }),
  );
}

/** The key pairs of the suite's own material. */
export function keyObjects(kinds: readonly ("ec" | "rsa" | "twins")[] = ["ec", "rsa", "twins"]) {
  return kinds
    .flatMap((kind) => built[kind])
    .map((pair) => ({
      object: privateKeyObject(pair.privateKey.der, { label: pair.label, id: hex(pair.id) }),
      publicKey: parseCertificate(pair.certificate.der).publicKey,
    }));
}

/** Puts objects on a token, from a process of its own. */
export function putObjects(provisioning: Omit<Provisioning, "binding">, env = process.env): void {
  const binding = createRequire(import.meta.url).resolve("pkcs11js");
  const program = `(${provision.toString()})(JSON.parse(require("node:fs").readFileSync(0, "utf8")), require)`;
  execFileSync(process.execPath, ["--eval", program], {
    input: JSON.stringify({ binding, ...provisioning } satisfies Provisioning),
    stdio: "pipe",
    env,
  });
}

function whole(der: Uint8Array, naming: { label: string; id: string }): TokenObjectSpec {
  const { subject, issuer, serial } = certificateFields(der);
  return [
    ...certificateObject(der, naming).filter(({ type }) => type !== CKA_SUBJECT),
    { type: CKA_SUBJECT, value: { hex: hex(subject) } },
    { type: CKA_ISSUER, value: { hex: hex(issuer) } },
    { type: CKA_SERIAL_NUMBER, value: { hex: hex(serial) } },
  ];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const CKA_ISSUER = 0x81;
const CKA_SERIAL_NUMBER = 0x82;
const CKA_SUBJECT = 0x101;
