import { derContent } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { hexOf } from "../hex.ts";
import type { Verifier } from "../ports/crypto-provider.ts";
import { signatureSchemeOf } from "../x509/algorithms.ts";
import type { Certificate } from "../x509/certificate.ts";
import { namesEqual } from "../x509/name-compare.ts";
import { displayName } from "../x509/name-format.ts";
import { parseCertificate } from "../x509/parse.ts";
import type { SignerIdentifier } from "./signer-info.ts";

/** Whether a signature names this very certificate: by issuer and serial number, or by its key identifier. */
export function isSigner(signer: SignerIdentifier, certificate: Certificate): boolean {
  if ("issuer" in signer) {
    const { issuer, serialNumber } = signer;
    return sameBytes(serialNumber, certificate.serialNumber) && namesEqual(issuer, certificate.issuer);
  }
  const keyIdentifier = subjectKeyIdentifier(certificate);
  return keyIdentifier !== undefined && sameBytes(signer.subjectKeyIdentifier, keyIdentifier);
}

/**
 * The error of a document that another than the permissions CA has signed. It says who, as far as the
 * certificates that came along tell; they are not verified, and nothing rests on them.
 */
export async function signerMismatch(
  signer: SignerIdentifier,
  certificates: readonly Uint8Array[],
  ca: Certificate,
  crypto: Verifier,
): Promise<CredentialError> {
  const actual = embeddedCertificates(certificates).find((certificate) => isSigner(signer, certificate));
  const expected = `the permissions CA given is ${displayName(ca.subject)} (serial ${serial(ca.serialNumber)})`;
  const { who, hint } =
    actual === undefined ? { who: identifierText(signer) } : await described(actual, ca, crypto);
  return new CredentialError("DOCUMENT_SIGNER_MISMATCH", `the document is signed by ${who}; ${expected}`, {
    section: "DDS-Security 1.1 9.4.1.3",
    ...(hint === undefined ? {} : { hint }),
  });
}

async function described(
  actual: Certificate,
  ca: Certificate,
  crypto: Verifier,
): Promise<{ who: string; hint?: string }> {
  const who = `${displayName(actual.subject)} (serial ${serial(actual.serialNumber)})`;
  if (sameBytes(actual.publicKey.spki, ca.publicKey.spki)) {
    return {
      who: `another certificate for the same key, ${who}`,
      hint: "Name the certificate that signed it as permissions CA, or sign again with the one given.",
    };
  }
  if (namesEqual(actual.subject, ca.subject)) return { who: `another CA of the same name, ${who}` };
  if (namesEqual(actual.issuer, ca.subject) && (await isIssuedBy(actual, ca, crypto))) {
    return {
      who: `a certificate below the permissions CA, ${who}`,
      // CVE-2023-24010: implementations that verified a chain instead of the signer.
      hint:
        "Sign it with the permissions CA's own key: who holds a certificate must not grant permissions. " +
        "Cyclone DDS 0.10 would take it, because the certificate came along; later ones and Fast DDS do not.",
    };
  }
  return { who };
}

/** A signer for a message. */
export function identifierText(signer: SignerIdentifier): string {
  if ("issuer" in signer) {
    return `the certificate with serial ${serial(signer.serialNumber)} of issuer ${displayName(signer.issuer)}`;
  }
  return `the certificate with key identifier ${serial(signer.subjectKeyIdentifier)}`;
}

/** RFC 5280 4.2.1.2; undefined where the certificate has none. */
function subjectKeyIdentifier(certificate: Certificate): Uint8Array | undefined {
  const extension = certificate.extensions.find(({ oid }) => oid === "2.5.29.14");
  if (extension === undefined) return undefined;
  try {
    return derContent(extension.value, readDer(extension.value, { maxElements: 1 }));
  } catch {
    return undefined;
  }
}

/** Those that can be read of the first few certificates that came along. */
export function embeddedCertificates(certificates: readonly Uint8Array[]): Certificate[] {
  return certificates.slice(0, MAX_CERTIFICATES).flatMap((der) => {
    try {
      return parseCertificate(der);
    } catch {
      return [];
    }
  });
}

async function isIssuedBy(certificate: Certificate, ca: Certificate, crypto: Verifier): Promise<boolean> {
  try {
    const scheme = signatureSchemeOf(certificate.signatureAlgorithm, ca.publicKey);
    return await crypto.verify(ca.publicKey.spki, scheme, certificate.tbs, certificate.signature);
  } catch {
    return false;
  }
}

function serial(octets: Uint8Array): string {
  return hexOf(octets.subarray(0, 32));
}

/** The most that are looked at. */
const MAX_CERTIFICATES = 16;
