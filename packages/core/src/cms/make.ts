import { DerTag } from "../der/node.ts";
import { compareBytes } from "../der/strict.ts";
import { sameBytes } from "../der/values.ts";
import {
  element,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  tagged,
  time,
} from "../der/write.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { CallOptions, Signer } from "../ports/credential-source.ts";
import type { CryptoProvider } from "../ports/crypto-provider.ts";
import { type SignatureScheme, signatureSchemes } from "../schemes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { hashAlgorithmDer, signatureAlgorithmDer } from "../x509/write-algorithm.ts";
import {
  CONTENT_TYPE,
  ID_DATA,
  ID_SIGNED_DATA,
  MESSAGE_DIGEST,
  RSA_ENCRYPTION,
  SIGNING_TIME,
} from "./oids.ts";

export interface SignOptions extends CallOptions {
  /** The signer's certificate; its issuer and serial number name it, and it goes along. */
  readonly certificate: Certificate;
  /** The key, wherever it is; it must be the certificate's. */
  readonly signer: Signer;
  readonly crypto: CryptoProvider;
  /** What the signature will claim as its time. */
  readonly at: Date;
  /**
   * Default: RSASSA-PKCS1-v1_5 with SHA-256 for an RSA key, because not all implementations read RSASSA-PSS in
   * documents; ECDSA with the hash that goes with the curve.
   */
  readonly scheme?: SignatureScheme;
  /** Further certificates to go along. */
  readonly intermediates?: readonly Certificate[];
}

/**
 * Signs plain data: a ContentInfo with a SignedData (RFC 5652 5) of one signature by issuer and serial number, over
 * the signed attributes contentType, messageDigest and signingTime.
 *
 * @param attached whether the content is inside
 * @throws CredentialError `KEY_MISMATCH`, `KEY_UNSUPPORTED`, `MECHANISM_UNSUPPORTED` where the key does not make such a signature,
 * and the signer's own errors
 */
export async function makeSignedData(
  content: Uint8Array,
  options: SignOptions,
  attached = false,
): Promise<Uint8Array> {
  const { certificate, signer, crypto, at, intermediates = [], signal } = options;
  const scheme = signingScheme(options);
  const attributes = setOf(
    attribute(CONTENT_TYPE, oid(ID_DATA)),
    attribute(SIGNING_TIME, time(at)),
    attribute(MESSAGE_DIGEST, octetString(await crypto.digest(scheme.hash, content))),
  );
  const signature = await signer.sign(scheme, attributes, signal === undefined ? {} : { signal });
  // Signed as a SET OF, stored as [0] IMPLICIT: the same octets but the first (RFC 5652 5.4).
  const stored = attributes.slice();
  stored[0] = 0xa0;
  const signerInfo = sequence(
    integer(1),
    sequence(certificate.issuer.der, element(DerTag.INTEGER, certificate.serialNumber)),
    hashAlgorithmDer(scheme.hash),
    stored,
    // What all readers know; certificates name the hash here too (RFC 3370 3.2, RFC 5754 3.2).
    scheme.padding === "pkcs1" ? sequence(oid(RSA_ENCRYPTION), nullValue()) : signatureAlgorithmDer(scheme),
    octetString(signature),
  );
  const certificates = [certificate, ...intermediates].map(({ der }) => der).toSorted(compareBytes);
  const signedData = sequence(
    integer(1),
    setOf(hashAlgorithmDer(scheme.hash)),
    sequence(oid(ID_DATA), ...(attached ? [tagged(0, octetString(content))] : [])),
    tagged(0, ...certificates),
    setOf(signerInfo),
  );
  return sequence(oid(ID_SIGNED_DATA), tagged(0, signedData));
}

/** Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue } */
function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}

/** The scheme to sign in, once it is known that key, certificate and scheme belong together. */
export function signingScheme({ certificate, signer, scheme }: SignOptions): SignatureScheme {
  if (!sameBytes(certificate.publicKey.spki, signer.publicKey)) {
    throw new CredentialError(
      "KEY_MISMATCH",
      "the private key does not belong to the certificate: their public keys differ",
    );
  }
  const { label } = certificate.publicKey;
  const wanted = scheme ?? defaultScheme(signer);
  // RFC 8419 knows Ed25519 in CMS; no implementation of DDS does.
  if (wanted === undefined || wanted.keyType === "ed25519") {
    throw new CredentialError("KEY_UNSUPPORTED", `a key of this kind (${label}) signs no documents`, {
      hint: "Use an RSA key of 2048 bits or more, or one on P-256.",
    });
  }
  if (signer.schemes.some(({ name }) => name === wanted.name)) return wanted;
  const known = signer.schemes.map(({ name }) => name).join(", ");
  throw new CredentialError(
    "MECHANISM_UNSUPPORTED",
    `the key (${label}) makes no signature of the scheme ${wanted.name}; it makes ${known || "none"}`,
    { hint: "Ask for a scheme that the key makes, or leave the choice to the key." },
  );
}

function defaultScheme({ schemes }: Signer): SignatureScheme | undefined {
  const [first] = schemes;
  if (first?.keyType === "rsa") return signatureSchemes.rsa_pkcs1_sha256;
  return schemes.find(({ curve, hash }) => curve !== undefined && hash === HASH_OF_CURVE[curve]) ?? first;
}

/** RFC 5480 4, RFC 5753 7: a hash as strong as the curve. */
const HASH_OF_CURVE = { "P-256": "SHA-256", "P-384": "SHA-384", "P-521": "SHA-512" } as const;
