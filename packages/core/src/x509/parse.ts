import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitStringOctets, derSmallInteger, derTime, sameBytes } from "../der/values.ts";
import { decodeAlgorithm } from "./algorithm-id.ts";
import type { Certificate, Extension } from "./certificate.ts";
import { decodeExtensionList } from "./extension-decode.ts";
import { decodeName } from "./name.ts";
import { decodePublicKeyInfo } from "./public-key.ts";

/**
 * Decodes an X.509 certificate of version 1, 2 or 3 (RFC 5280 4.1), after a strict DER check of the whole.
 * The two signature algorithms must be equal, extensions must not repeat, times must have the form of
 * 4.1.2.5. Extensions are not looked into, nothing is said about trust.
 *
 * @param der the certificate; it is copied
 * @throws CredentialError `DER_INVALID` or `CERTIFICATE_INVALID`, with `position` in bytes
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (!(der instanceof Uint8Array)) throw new TypeError("parseCertificate reads a Uint8Array");
  const bytes = new Uint8Array(der);
  const outer = new DerFields(readDer(bytes), CONTEXT);
  const tbs = outer.required("tbsCertificate", DerTag.SEQUENCE);
  const algorithm = outer.required("signatureAlgorithm", DerTag.SEQUENCE);
  const signatureNode = outer.required("signatureValue", DerTag.BIT_STRING);
  outer.end();
  // Bits that do not fill octets are no signature of any algorithm: the empty one, which never verifies.
  const signature = derBitStringOctets(bytes, signatureNode) ?? new Uint8Array();

  const fields = new DerFields(tbs, CONTEXT);
  const version = decodeVersion(bytes, fields.optional(contextTag(0)));
  const serialNumber = derContent(bytes, fields.required("serialNumber", DerTag.INTEGER));
  const inner = fields.required("signature", DerTag.SEQUENCE);
  if (!sameBytes(derElement(bytes, inner), derElement(bytes, algorithm))) {
    throw malformed(
      CONTEXT,
      inner,
      "the signed signature algorithm differs from the outer one (RFC 5280 4.1.1.2)",
    );
  }
  const issuer = decodeName(bytes, fields.required("issuer"), CONTEXT);
  const [notBefore, notAfter] = decodeValidity(bytes, fields.required("validity"));
  const subject = decodeName(bytes, fields.required("subject"), CONTEXT);
  const publicKey = decodePublicKeyInfo(bytes, fields.required("subjectPublicKeyInfo"), CONTEXT);
  const uniqueIds = UNIQUE_IDS.map((identifier) => fields.optional(identifier));
  if (version === 1 && uniqueIds.some((id) => id !== undefined)) {
    throw malformed(CONTEXT, tbs, "a version 1 certificate has no unique identifiers (RFC 5280 4.1.2.8)");
  }
  const extensions = decodeExtensions(bytes, fields.optional(contextTag(3)), version);
  fields.end();

  const certificate: Certificate = {
    der: bytes,
    tbs: derElement(bytes, tbs),
    version,
    serialNumber,
    subject,
    issuer,
    notBefore,
    notAfter,
    publicKey,
    signatureAlgorithm: decodeAlgorithm(bytes, algorithm, CONTEXT),
    signature,
    extensions,
  };
  parsed.add(certificate);
  return Object.freeze(certificate);
}

/** Whether it was made by {@link parseCertificate}: only then do its parts agree with its bytes. */
export function isParsedCertificate(certificate: unknown): certificate is Certificate {
  return typeof certificate === "object" && certificate !== null && parsed.has(certificate);
}

const parsed = new WeakSet<object>();
const CONTEXT: DerContext = { code: "CERTIFICATE_INVALID", what: "the certificate" };
/** issuerUniqueID and subjectUniqueID, both IMPLICIT BIT STRING. */
const UNIQUE_IDS = [contextTag(1, "primitive"), contextTag(2, "primitive")];

function decodeVersion(bytes: Uint8Array, node: DerNode | undefined): 1 | 2 | 3 {
  if (node === undefined) return 1;
  const fields = new DerFields(node, CONTEXT, node.identifier);
  const value = derSmallInteger(bytes, fields.required("version", DerTag.INTEGER));
  fields.end();
  // 0, version 1, is the default and as such is not written (X.690 11.5).
  if (value === 1) return 2;
  if (value === 2) return 3;
  throw malformed(CONTEXT, node, "the version is neither 2 nor 3 (RFC 5280 4.1.2.1)");
}

function decodeValidity(bytes: Uint8Array, node: DerNode): [Date, Date] {
  const fields = new DerFields(node, CONTEXT);
  const decode = (name: string): Date => {
    const time = fields.required(name, DerTag.UTC_TIME, DerTag.GENERALIZED_TIME);
    const date = derTime(bytes, time);
    if (date === undefined) throw malformed(CONTEXT, time, `${name} is no time of RFC 5280 4.1.2.5`);
    return date;
  };
  const validity: [Date, Date] = [decode("notBefore"), decode("notAfter")];
  fields.end();
  return validity;
}

function decodeExtensions(
  bytes: Uint8Array,
  node: DerNode | undefined,
  version: number,
): readonly Extension[] {
  if (node === undefined) return [];
  if (version !== 3) {
    throw malformed(CONTEXT, node, "only version 3 has extensions (RFC 5280 4.1.2.9)");
  }
  const fields = new DerFields(node, CONTEXT, node.identifier);
  const list = fields.required("extensions", DerTag.SEQUENCE);
  fields.end();
  return decodeExtensionList(bytes, list, CONTEXT);
}
