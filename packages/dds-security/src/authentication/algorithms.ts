import {
  CredentialError,
  type KeyAgreementGroup,
  type PublicKeyInfo,
  type SignatureScheme,
  schemesForKey,
  utf8Text,
} from "@ddscred/core";

/** A way to sign or to agree on a key, by all its names; the first is the one of 1.1, the second of 1.2. */
interface AlgorithmRow {
  readonly names: readonly [legacy: string, modern: string, ...aliases: string[]];
}

export interface SigningRow extends AlgorithmRow {
  readonly scheme: SignatureScheme["name"];
}

export interface AgreementRow extends AlgorithmRow {
  readonly group: KeyAgreementGroup;
}

/** DDS-Security 1.1 9.3.2.3 and 9.3.2.5, 1.2 Table 25. P-384 came with 1.2 and has one name. */
const signing: readonly SigningRow[] = [
  {
    scheme: "rsa_pss_sha256",
    names: ["RSASSA-PSS-SHA256", "RSASSA-PSS-MGF1SHA256+2048+SHA256", "RSA-2048"],
  },
  { scheme: "ecdsa_p256_sha256", names: ["ECDSA-SHA256", "ECDSA+P256+SHA256", "EC-prime256v1"] },
  { scheme: "ecdsa_p384_sha384", names: ["ECDSA+P384+SHA384", "ECDSA+P384+SHA384"] },
];

/** 1.2 Table 26. */
const agreement: readonly AgreementRow[] = [
  { group: "P-256", names: ["ECDH+prime256v1-CEUM", "ECDHE-CEUM+P256", "ECDH+prime256v1"] },
  { group: "MODP-2048-256", names: ["DH+MODP-2048-256", "DHE+MODP-2048-256"] },
];

/** A row that a peer named: how it wrote the name is how it is answered. */
export interface Named<Row> {
  readonly row: Row;
  /** By the names of 1.2. */
  readonly modern: boolean;
  /** With a NUL behind it, which counts in every hash. */
  readonly trailingNul: boolean;
}

/**
 * How the holder of a key signs: its certificate decides. The name in the token must be known, but some
 * implementations write the name of the key that signed the certificate.
 */
export function signingOf(key: PublicKeyInfo): Signing {
  const known = signings.get(key);
  if (known !== undefined) return known;
  const found = findSigning(key);
  signings.set(key, found);
  return found;
}

interface Signing {
  readonly row: SigningRow;
  readonly scheme: SignatureScheme;
}

const signings = new WeakMap<PublicKeyInfo, Signing>();

function findSigning(key: PublicKeyInfo): Signing {
  const [scheme] = schemesForKey(key);
  const row = signing.find((candidate) => candidate.scheme === scheme?.name);
  if (row !== undefined && scheme !== undefined) return { row, scheme };
  throw new CredentialError("KEY_UNSUPPORTED", `a key of kind ${key.label} cannot authenticate`, {
    section: "DDS-Security 1.1 9.3.1",
  });
}

export const signingNamed = (value: Uint8Array): Named<SigningRow> => named(signing, value, "c.dsign_algo");
export const agreementNamed = (value: Uint8Array): Named<AgreementRow> =>
  named(agreement, value, "c.kagree_algo");

export function agreementOf(group: KeyAgreementGroup): AgreementRow {
  const row = agreement.find((candidate) => candidate.group === group);
  if (row === undefined) throw new TypeError("keyAgreement is P-256 or MODP-2048-256");
  return row;
}

/** What identity and permissions tokens call a key; undefined where they have no name for it. */
export function keyName(key: PublicKeyInfo): string | undefined {
  if (key.keyType === "rsa" && key.bits === 2048) return "RSA-2048";
  if (key.curve === "P-256") return "EC-prime256v1";
  return key.curve === "P-384" ? "ECDSA+P384+SHA384" : undefined;
}

function named<Row extends AlgorithmRow>(rows: readonly Row[], value: Uint8Array, field: string): Named<Row> {
  const trailingNul = value.at(-1) === 0;
  const text = utf8Text(trailingNul ? value.subarray(0, -1) : value) ?? "";
  const row = rows.find(({ names }) => names.includes(text));
  if (row !== undefined) return { row, trailingNul, modern: text === row.names[1] && text !== row.names[0] };
  const known = rows.map(({ names }) => names[0]).join(", ");
  throw new CredentialError(
    "HANDSHAKE_ALGORITHM_REFUSED",
    `${field} of the peer is none of the algorithms known: ${known}`,
    { section: "DDS-Security 1.1 9.3.2.3, 1.2 Tables 25 and 26" },
  );
}
