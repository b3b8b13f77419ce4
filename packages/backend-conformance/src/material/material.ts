import { type Encoded, encoded, latin1Bytes } from "./encoded.ts";
import * as pem from "./pem.ts";

/** A certificate as a store holds it. */
export interface StoredCertificate {
  /** What a store that knows labels stores it under; a key and its certificate share label and id. */
  readonly label: string;
  /** `CKA_ID`, or its like. */
  readonly id: Uint8Array;
  readonly certificate: Encoded;
}

export interface StoredPair extends StoredCertificate {
  /** PKCS#8, not encrypted. */
  readonly privateKey: Encoded;
}

/**
 * What a fixture loads into its store. All of it is fixed and published: test keys, valid from 2020 to 2046,
 * good for nothing else.
 */
export interface ConformanceMaterial {
  /** Issued all the others, and the document's signer. */
  readonly ca: StoredCertificate;
  /** On P-256. */
  readonly ec: StoredPair;
  /** RSA with 2048 bits. */
  readonly rsa: StoredPair;
  /** Two pairs under one label, with different ids: the ambiguity. */
  readonly twins: readonly [StoredPair, StoredPair];
  /** PEM of `ec` followed by `ca`: what a file with a chain holds. */
  readonly chainPem: string;
  /** The key of `ec` as encrypted PKCS#8, and what opens it. */
  readonly encryptedPrivateKeyPem: string;
  readonly passphrase: string;
  /** A signed document; its line ends are mixed, and every byte counts. */
  readonly document: Uint8Array;
  /** A CRL of `ca`. */
  readonly revocationList: Encoded;
}

export const conformanceMaterial: ConformanceMaterial = {
  ca: { ...stored("ca", 0xca), certificate: encoded(pem.caCertificate) },
  ec: pair("ec", 0xec, pem.ecCertificate, pem.ecPrivateKey),
  rsa: pair("rsa", 0x25, pem.rsaCertificate, pem.rsaPrivateKey),
  twins: [
    pair("twin", 0x71, pem.twin1Certificate, pem.twin1PrivateKey),
    pair("twin", 0x72, pem.twin2Certificate, pem.twin2PrivateKey),
  ],
  chainPem: pem.ecCertificate + pem.caCertificate,
  encryptedPrivateKeyPem: pem.ecEncryptedPrivateKey,
  passphrase: "conformance-passphrase",
  document: latin1Bytes(pem.signedDocument),
  revocationList: encoded(pem.revocationList),
};

function pair(name: string, id: number, certificate: string, privateKey: string): StoredPair {
  return { ...stored(name, id), certificate: encoded(certificate), privateKey: encoded(privateKey) };
}

function stored(name: string, id: number): { label: string; id: Uint8Array } {
  return { label: `conformance-${name}`, id: Uint8Array.of(0xdd, id) };
}
