import { CredentialError } from "../errors/credential-error.ts";
import type { Certificate } from "../x509/certificate.ts";
import { checkCrl } from "../x509/crl.ts";
import { parseCertificate } from "../x509/parse.ts";
import { describeInstead } from "./instead.ts";
import { type PemBlock, readPem } from "./pem.ts";

/** Where a text came from, for errors. */
export interface PemPlace {
  readonly uri?: string;
  readonly file?: string;
}

/**
 * The certificates of a PEM text in their order, which is the leaf first where a chain is meant. Blocks of
 * other kinds are passed over.
 *
 * @throws CredentialError `PEM_NOT_FOUND` where there is no CERTIFICATE block: it says what the text is
 * instead and how to convert it; `PEM_INVALID`, `DER_INVALID`, `CERTIFICATE_INVALID` with the line
 */
export function certificatesFromPem(text: string | Uint8Array, place: PemPlace = {}): readonly Certificate[] {
  return fromPem(text, place, CERTIFICATE_LABELS, "certificate", parseCertificate);
}

/**
 * The revocation lists of a PEM text (label `X509 CRL`), each as the DER of a CertificateList, strictly
 * checked as DER and by its outer structure (RFC 5280 5.1). Its signature is not checked here.
 *
 * @throws CredentialError `PEM_NOT_FOUND`, `PEM_INVALID`, `CRL_INVALID`
 */
export function crlsFromPem(text: string | Uint8Array, place: PemPlace = {}): readonly Uint8Array[] {
  return fromPem(text, place, CRL_LABELS, "revocation list", checkCrl);
}

/** `X509 CERTIFICATE` is an old name that all of OpenSSL still reads. */
const CERTIFICATE_LABELS = ["CERTIFICATE", "X509 CERTIFICATE"];
const CRL_LABELS = ["X509 CRL"];

function fromPem<T>(
  text: string | Uint8Array,
  place: PemPlace,
  labels: readonly string[],
  what: "certificate" | "revocation list",
  decode: (der: Uint8Array) => T,
): readonly T[] {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw new TypeError("a PEM text is a string or a Uint8Array");
  }
  const blocks = placed(place, 1, () => readPem(text));
  const wanted = blocks.filter((block) => labels.includes(block.label));
  if (wanted.length === 0) {
    const { found, hint } = describeInstead(text, blocks, what);
    throw new CredentialError("PEM_NOT_FOUND", `there is no PEM ${what}: this is ${found}`, {
      ...(hint === undefined ? {} : { hint }),
      ...(place.uri === undefined ? {} : { uri: place.uri }),
    });
  }
  return wanted.map((block: PemBlock) => placed(place, block.line, () => decode(block.der)));
}

/** Adds the place to what a reader threw. */
function placed<T>(place: PemPlace, line: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    const location = error.location ?? { line, column: 1 };
    const { code, message, hint, rule, section, position, cause } = error;
    throw new CredentialError(code, error.location ? message : `line ${line}: ${message}`, {
      hint,
      ...(rule === undefined ? {} : { rule }),
      ...(section === undefined ? {} : { section }),
      ...(position === undefined ? {} : { position }),
      ...(cause === undefined ? {} : { cause }),
      ...(place.uri === undefined ? {} : { uri: place.uri }),
      location: place.file === undefined ? location : { file: place.file, ...location },
    });
  }
}
