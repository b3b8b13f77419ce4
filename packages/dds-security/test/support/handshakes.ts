import { createPrivateKey, sign as nodeSign } from "node:crypto";
import {
  type CryptoProvider,
  certificatesFromPem,
  type Signer,
  schemesForKey,
  signatureSchemes,
  webCrypto,
} from "@ddscred/core";
import type { DataHolder, LocalIdentityOptions } from "@ddscred/dds-security";
import { sharedText, type unpackDeployments } from "./shared.ts";

type Deployments = ReturnType<typeof unpackDeployments>;

/** A handshake between real implementations, as it was recorded. */
export interface Recorded {
  readonly initiator: Party;
  readonly replier: Party;
  readonly request: DataHolder;
  readonly reply: DataHolder;
  readonly final: DataHolder;
  readonly checks: Readonly<Record<"hash_c1" | "hash_c2", string>>;
  readonly guidPrefixes: Readonly<Record<string, string>>;
  readonly identityTokens: Readonly<Record<string, DataHolder>>;
}

interface Party {
  /** Below the deployments, without ending: `ec/bob`. */
  readonly identity: string;
}

export const recordings = [
  "ec-cyclone-cyclone",
  "ec-fastdds-fastdds",
  "rsa-cyclone-cyclone-optional",
  "rsa-cyclone-fastdds",
  "rsa-fastdds-fastdds-DH",
] as const;

export const recordingPath = (name: string): string => `vectors/handshakes/${name}.json`;

export function readRecording(name: string): Recorded {
  const json = JSON.parse(sharedText(recordingPath(name)));
  const party = ({ identity }: { identity: string }) => ({
    identity: identity.replace(/^derived\/|\.pem$/g, ""),
  });
  return {
    initiator: party(json.initiator),
    replier: party(json.replier),
    request: token(json.request),
    reply: token(json.reply),
    final: token(json.final),
    checks: json.checks,
    guidPrefixes: json.guid_prefixes,
    identityTokens: Object.fromEntries(
      Object.entries(json.identity_tokens).map(([name, value]) => [name, token(value as TokenJson)]),
    ),
  };
}

interface TokenJson {
  readonly class_id: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly binary_properties: readonly { name: string; hex: string }[];
}

function token(json: TokenJson): DataHolder {
  return {
    classId: json.class_id,
    properties: Object.entries(json.properties).map(([name, value]) => ({ name, value })),
    binaryProperties: json.binary_properties.map(({ name, hex }) => ({ name, value: octets(hex) })),
  };
}

export const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export function field(token: DataHolder, name: string): Uint8Array {
  const found = token.binaryProperties.find((property) => property.name === name);
  if (found === undefined) throw new Error(`the token has no ${name}`);
  return found.value;
}

/** The credentials of `ec/alice` and her like, with a key that signs in memory. */
export function credentials({ read }: Deployments, identity: string): Omit<LocalIdentityOptions, "crypto"> {
  const [folder = "", name = ""] = identity.split("/");
  const pem = (file: string) => certificatesFromPem(read(`${folder}/${file}.pem`));
  const [certificate] = pem(name);
  const [permissionsCa] = pem("permissions_ca");
  if (certificate === undefined || permissionsCa === undefined) throw new Error("no certificate");
  const key = createPrivateKey(Buffer.from(read(`${folder}/${name}.key.pem`)));
  const signer: Signer = {
    publicKey: certificate.publicKey.spki,
    schemes: schemesForKey(certificate.publicKey),
    extractable: undefined,
    sign: async (scheme, message) =>
      new Uint8Array(
        nodeSign(
          "sha256",
          message,
          scheme === signatureSchemes.rsa_pss_sha256 ? { key, padding: 6, saltLength: 32 } : key,
        ),
      ),
  };
  return {
    certificates: [certificate],
    signer,
    identityCa: pem("identity_ca"),
    permissionsCa,
    permissionsDocument: read(`${folder}/permissions_${name}.p7s`),
  };
}

/** The host's cryptography, except that challenge and public value are those that were recorded. */
export function scripted(challenge: Uint8Array, publicKey: Uint8Array, agreed: Uint8Array): CryptoProvider {
  const crypto = webCrypto();
  return {
    name: "scripted",
    anyPssSalt: crypto.anyPssSalt,
    verify: async (...args) => await crypto.verify(...args),
    digest: async (hash, data) => await crypto.digest(hash, data),
    randomBytes: (length) => (length === 32 ? challenge.slice() : crypto.randomBytes(length)),
    generateEphemeralKey: async (group) => ({ group, publicKey, agree: async () => agreed.slice() }),
  };
}
