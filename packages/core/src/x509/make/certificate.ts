import { readDer } from "../../der/read.ts";
import { sameBytes } from "../../der/values.ts";
import * as der from "../../der/write.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { CallOptions, Signer } from "../../ports/credential-source.ts";
import type { CryptoProvider } from "../../ports/crypto-provider.ts";
import type { Certificate } from "../certificate.ts";
import { basicConstraints, keyUsage, keyUsages, subjectKeyIdentifier } from "../extensions.ts";
import type { DistinguishedName } from "../name.ts";
import type { NameText } from "../name-text.ts";
import { signatureAlgorithmDer } from "../write-algorithm.ts";
import { nameDer } from "./name.ts";
import { certificateScheme, signed } from "./sign.ts";

/** What a new certificate says. */
export interface NewCertificate {
  readonly subject: NameText | DistinguishedName;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** The CA that issues it. Default: none, it is issued by itself. */
  readonly issuer?: Certificate;
  /** Whether it is a CA's own: it may issue certificates, and sign documents of DDS Security. Default false. */
  readonly ca?: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Issues an X.509 certificate of version 3 (RFC 5280 4) with what DDS implementations look at: a random serial
 * number, basicConstraints and keyUsage, both critical, and the identifiers of subject's and issuer's key.
 *
 * `KEY_MISMATCH` where the key is not the issuer's, `CA_INVALID` where the issuer may not issue,
 * `CERTIFICATE_EXPIRED` where it would outlive its issuer, and the errors of the signer.
 *
 * @param signer the issuer's key
 * @returns DER
 */
export async function issueCertificate(
  wanted: NewCertificate,
  signer: Signer,
  crypto: CryptoProvider,
  options?: CallOptions,
): Promise<Uint8Array> {
  const { issuer, ca = false, notBefore, notAfter } = wanted;
  const isTime = (at: unknown): boolean => at instanceof Date && !Number.isNaN(at.getTime());
  if (!isTime(notBefore) || !isTime(notAfter)) throw new TypeError("notBefore and notAfter are Dates");
  checkIssuer(wanted, signer);
  const subject = "der" in wanted.subject ? wanted.subject.der : nameDer(wanted.subject);
  const scheme = certificateScheme(signer);
  const signerKey =
    (issuer && subjectKeyIdentifier(issuer)) ?? (await keyIdentifier(signer.publicKey, crypto));
  const usage = ca ? CA_USAGE : END_USAGE;
  const extensions = [
    extension("2.5.29.19", true, der.sequence(...(ca ? [der.boolean(true)] : []))),
    extension("2.5.29.15", true, der.namedBits(...usage.map((name) => keyUsages.indexOf(name)))),
    extension("2.5.29.14", false, der.octetString(await keyIdentifier(wanted.publicKey, crypto))),
    extension("2.5.29.35", false, der.sequence(der.taggedBytes(0, signerKey))),
  ];
  const tbs = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(serialNumber(crypto)),
    signatureAlgorithmDer(scheme),
    issuer?.subject.der ?? subject,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    wanted.publicKey,
    der.tagged(3, der.sequence(...extensions)),
  );
  return await signed(signer, scheme, tbs, options);
}

function checkIssuer({ issuer, publicKey, notAfter }: NewCertificate, signer: Signer): void {
  const key = issuer?.publicKey.spki ?? publicKey;
  if (!sameBytes(key, signer.publicKey)) {
    throw new CredentialError("KEY_MISMATCH", "the key that is to sign is not the issuer's", {
      hint: "Name the private key that belongs to the CA's certificate.",
    });
  }
  if (issuer === undefined) return;
  const mayIssue = keyUsage(issuer)?.has("keyCertSign") ?? true;
  if (basicConstraints(issuer)?.ca !== true || !mayIssue) {
    throw new CredentialError(
      "CA_INVALID",
      "the issuer's certificate is not one that may issue certificates",
    );
  }
  // Certificates hold whole seconds.
  if (Math.floor(notAfter.getTime() / 1000) * 1000 > issuer.notAfter.getTime()) {
    const until = issuer.notAfter.toISOString().slice(0, 10);
    throw new CredentialError(
      "CERTIFICATE_EXPIRED",
      `the certificate would outlive its CA, which ends ${until}`,
      {
        hint: "Ask for fewer days, or renew the CA first.",
      },
    );
  }
}

/** RFC 7093 2, method 1: the first 160 bits of the SHA-256 of the BIT STRING's octets. */
async function keyIdentifier(publicKey: Uint8Array, crypto: CryptoProvider): Promise<Uint8Array> {
  const key = readDer(publicKey).children[1];
  if (key === undefined) throw new CredentialError("KEY_INVALID", "there is no public key");
  const octets = publicKey.subarray(key.contentStart + 1, key.end);
  return (await crypto.digest("SHA-256", octets)).subarray(0, 20);
}

/** Sixteen random octets as a positive number that keeps its length: RFC 5280 4.1.2.2. */
function serialNumber(crypto: CryptoProvider): Uint8Array {
  const octets = crypto.randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return octets;
}

function extension(type: string, critical: boolean, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(type), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

/** A CA signs Governance and Permissions too, so its key makes signatures besides certificates. */
const CA_USAGE = ["digitalSignature", "keyCertSign", "cRLSign"] as const;
const END_USAGE = ["digitalSignature"] as const;
