import { DerFields } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derSmallInteger } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { type HashName, type SignatureScheme, schemesForKey } from "../schemes.ts";
import { decodeAlgorithm, withoutParameters } from "./algorithm-id.ts";
import type { AlgorithmId, PublicKeyInfo } from "./certificate.ts";

/**
 * The row of the scheme table for a signature in a certificate, CRL or CMS, made by the key given.
 *
 * RSASSA-PKCS1-v1_5 with NULL parameters or none (RFC 4055 5), RSASSA-PSS with the same hash in MGF1 and
 * trailer 1 (RFC 4055 3.1; the row then holds its salt length), ECDSA on the key's curve (RFC 5758 3.2)
 * and Ed25519 (RFC 8410 3), with SHA-256, SHA-384 or SHA-512.
 *
 * @throws CredentialError `ALGORITHM_REFUSED` for any other algorithm, which it names; `KEY_UNSUPPORTED` for
 * an EC key that is not on a curve of the table; `SIGNATURE_INVALID` where the key is of another kind than
 * the algorithm, so that it cannot have made the signature
 */
export function signatureSchemeOf(algorithm: AlgorithmId, signerKey: PublicKeyInfo): SignatureScheme {
  const row = ALGORITHMS[algorithm.oid];
  if (row?.keyType === undefined) {
    throw refused(row?.name ?? `OID ${algorithm.oid}`);
  }
  const { keyType } = signerKey;
  if (keyType !== row.keyType && !(keyType === "rsa-pss" && row.name === PSS)) {
    throw new CredentialError(
      "SIGNATURE_INVALID",
      `the signature is of algorithm ${row.name}, the signer's key is ${signerKey.label}`,
    );
  }
  const pss = row.name === PSS ? pssParameters(algorithm) : undefined;
  const hash = pss?.hash ?? row.hash;
  if (row.name !== PSS && !parametersFit(algorithm, row.keyType)) {
    throw refused(`${row.name} with parameters`, "RFC 4055 5, RFC 5758 3.2, RFC 8410 3");
  }
  const padding = pss ? "pss" : "pkcs1";
  const scheme = schemesForKey({ keyType, curve: signerKey.curve }).find(
    (candidate) => candidate.hash === hash && (candidate.padding ?? padding) === padding,
  );
  if (scheme !== undefined) return pss ? { ...scheme, exactSaltLength: pss.saltLength } : scheme;
  throw new CredentialError("KEY_UNSUPPORTED", `the signer's key is ${signerKey.label}`, {
    hint: "Sign with a key on P-256 or P-384, or an RSA key.",
  });
}

interface AlgorithmRow {
  readonly name: string;
  /** Undefined where the algorithm is refused. */
  readonly keyType?: SignatureScheme["keyType"];
  readonly hash?: HashName;
}

const PSS = "RSASSA-PSS";

const ALGORITHMS: Readonly<Record<string, AlgorithmRow>> = {
  "1.2.840.113549.1.1.11": { name: "sha256WithRSAEncryption", keyType: "rsa", hash: "SHA-256" },
  "1.2.840.113549.1.1.12": { name: "sha384WithRSAEncryption", keyType: "rsa", hash: "SHA-384" },
  "1.2.840.113549.1.1.13": { name: "sha512WithRSAEncryption", keyType: "rsa", hash: "SHA-512" },
  "1.2.840.113549.1.1.10": { name: PSS, keyType: "rsa" },
  "1.2.840.10045.4.3.2": { name: "ecdsa-with-SHA256", keyType: "ec", hash: "SHA-256" },
  "1.2.840.10045.4.3.3": { name: "ecdsa-with-SHA384", keyType: "ec", hash: "SHA-384" },
  "1.2.840.10045.4.3.4": { name: "ecdsa-with-SHA512", keyType: "ec", hash: "SHA-512" },
  "1.3.101.112": { name: "Ed25519", keyType: "ed25519", hash: "SHA-512" },
  // Known by name only, to be refused.
  "1.2.840.113549.1.1.2": { name: "md2WithRSAEncryption" },
  "1.2.840.113549.1.1.4": { name: "md5WithRSAEncryption" },
  "1.2.840.113549.1.1.5": { name: "sha1WithRSAEncryption" },
  "1.2.840.113549.1.1.14": { name: "sha224WithRSAEncryption" },
  "1.2.840.113549.1.1.15": { name: "sha512-224WithRSAEncryption" },
  "1.2.840.113549.1.1.16": { name: "sha512-256WithRSAEncryption" },
  "1.3.14.3.2.29": { name: "sha1WithRSASignature" },
  "1.2.840.10045.4.1": { name: "ecdsa-with-SHA1" },
  "1.2.840.10045.4.3.1": { name: "ecdsa-with-SHA224" },
  "1.2.840.10040.4.3": { name: "dsa-with-SHA1" },
  "2.16.840.1.101.3.4.3.1": { name: "dsa-with-SHA224" },
  "2.16.840.1.101.3.4.3.2": { name: "dsa-with-SHA256" },
  "2.16.840.1.101.3.4.3.9": { name: "ecdsa-with-SHA3-224" },
  "2.16.840.1.101.3.4.3.10": { name: "ecdsa-with-SHA3-256" },
  "2.16.840.1.101.3.4.3.11": { name: "ecdsa-with-SHA3-384" },
  "2.16.840.1.101.3.4.3.12": { name: "ecdsa-with-SHA3-512" },
  "2.16.840.1.101.3.4.3.13": { name: "rsa-with-SHA3-224" },
  "2.16.840.1.101.3.4.3.14": { name: "rsa-with-SHA3-256" },
  "2.16.840.1.101.3.4.3.15": { name: "rsa-with-SHA3-384" },
  "2.16.840.1.101.3.4.3.16": { name: "rsa-with-SHA3-512" },
  "1.3.101.113": { name: "Ed448" },
  "1.2.156.10197.1.501": { name: "SM2-with-SM3" },
};

const HASHES: Readonly<Record<string, HashName>> = {
  "2.16.840.1.101.3.4.2.1": "SHA-256",
  "2.16.840.1.101.3.4.2.2": "SHA-384",
  "2.16.840.1.101.3.4.2.3": "SHA-512",
};
/** Longer than any that fits into a key of 16,384 bits. */
const MAX_SALT = 2048;
const MGF1 = "1.2.840.113549.1.1.8";

function parametersFit(algorithm: AlgorithmId, keyType: string): boolean {
  return keyType === "rsa" ? withoutParameters(algorithm) : algorithm.parameters === undefined;
}

/** RSASSA-PSS-params (RFC 4055 3.1). All its defaults are SHA-1, so hash and MGF1 must be there. */
function pssParameters(algorithm: AlgorithmId): { readonly hash: HashName; readonly saltLength: number } {
  const parameters = algorithm.parameters;
  if (parameters === undefined) throw refused(`${PSS} without parameters, which means SHA-1`);
  const context = { code: "ALGORITHM_REFUSED", what: `${PSS} parameters` } as const;
  const fields = new DerFields(readDer(parameters), context);
  const hash = oidWithin(parameters, fields.optional(contextTag(0)));
  const mgf = explicitAlgorithm(parameters, fields.optional(contextTag(1)));
  const salt = fields.optional(contextTag(2));
  const trailer = fields.optional(contextTag(3));
  fields.end();
  if (mgf?.oid !== MGF1 || mgf.parameters === undefined) throw refused(`${PSS} with another mask than MGF1`);
  const inner = decodeAlgorithm(mgf.parameters, readDer(mgf.parameters), context);
  const name = hash === undefined ? undefined : HASHES[hash];
  if (name === undefined) throw refused(`${PSS} with hash ${hash ?? "SHA-1"}`);
  if (inner.oid !== hash || !withoutParameters(inner)) throw refused(`${PSS} with another hash in MGF1`);
  if (trailer !== undefined && numberWithin(parameters, trailer) !== 1) {
    throw refused(`${PSS} with another trailer than 1`);
  }
  const saltLength = salt === undefined ? 20 : (numberWithin(parameters, salt) ?? -1);
  if (saltLength < 0 || saltLength > MAX_SALT) throw refused(`${PSS} with an impossible salt length`);
  return { hash: name, saltLength };

  function oidWithin(bytes: Uint8Array, node: DerNode | undefined): string | undefined {
    const algorithmId = explicitAlgorithm(bytes, node);
    return algorithmId && withoutParameters(algorithmId) ? algorithmId.oid : undefined;
  }

  function explicitAlgorithm(bytes: Uint8Array, node: DerNode | undefined): AlgorithmId | undefined {
    const [content, ...rest] = node?.children ?? [];
    if (content === undefined || rest.length > 0) return undefined;
    return decodeAlgorithm(bytes, content, context);
  }
}

function numberWithin(bytes: Uint8Array, node: DerNode): number | undefined {
  const [content, ...rest] = node.children;
  if (content?.identifier !== DerTag.INTEGER || rest.length > 0) return undefined;
  return derSmallInteger(bytes, content);
}

function refused(name: string, section?: string): CredentialError {
  const message = `the signature algorithm ${name} is not accepted`;
  return new CredentialError("ALGORITHM_REFUSED", message, section === undefined ? {} : { section });
}
