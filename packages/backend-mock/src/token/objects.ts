import { type ObjectInfo, parseCertificate, readPem, type SignatureSchemeName } from "@ddscred/core";
import { type MockCertificate, shortHash } from "../pki/certificate.ts";
import type { MockKey } from "../pki/key.ts";
import { utf8 } from "../pki/text.ts";
import type { Token } from "./token.ts";

/** One object on a token. The id defaults to one made of the public key, so a key and its certificate share it. */
export type MockObject = MockKeyObject | MockCertificateObject;

interface MockObjectBase {
  /** CKA_LABEL. Default: empty. */
  readonly label?: string;
  /** CKA_ID; text stands for its UTF-8 bytes. */
  readonly id?: Uint8Array | string;
}

export interface MockKeyObject extends MockObjectBase {
  readonly key: MockKey;
  /** Whether it is hidden until the login (CKA_PRIVATE). Default true. */
  readonly private?: boolean;
  /** Whether it says that it can be read out (CKA_EXTRACTABLE). Default false. */
  readonly extractable?: boolean;
  /** What the token can sign with it. Default: all that fits the key. */
  readonly schemes?: readonly SignatureSchemeName[];
}

export interface MockCertificateObject extends MockObjectBase {
  /** DER (also damaged, to see what happens), PEM, or one that was issued here. */
  readonly certificate: Uint8Array | string | MockCertificate;
  /** Default false. */
  readonly private?: boolean;
}

/** What is stored: the attributes of an object and what stands behind them. */
export interface StoredObject extends ObjectInfo {
  readonly token: Token;
  readonly label: string;
  readonly id: Uint8Array;
  readonly private: boolean;
  readonly key?: MockKeyObject;
  /** CKA_VALUE of a certificate. */
  readonly value?: Uint8Array;
}

/** What a token stores of an object that a test describes. */
export function storedObject(token: Token, object: MockObject): StoredObject {
  return "key" in object ? storedKey(token, object) : storedCertificate(token, object);
}

function storedKey(token: Token, object: MockKeyObject): StoredObject {
  const id = idOf(object, object.key.publicKey);
  const { label = "", private: hidden = true } = object;
  return { token, type: "private", label, id, private: hidden, key: { ...object } };
}

function storedCertificate(token: Token, object: MockCertificateObject): StoredObject {
  const value = derOf(object.certificate);
  const { label = "", private: hidden = false } = object;
  return { token, type: "cert", label, id: idOf(object, publicKeyOf(value)), private: hidden, value };
}

function idOf({ id }: MockObjectBase, publicKey: Uint8Array): Uint8Array {
  if (id === undefined) return shortHash("key", publicKey);
  return typeof id === "string" ? utf8(id) : id.slice();
}

function derOf(certificate: MockCertificateObject["certificate"]): Uint8Array {
  if (certificate instanceof Uint8Array) return certificate.slice();
  if (typeof certificate !== "string") return certificate.der;
  const [block] = readPem(certificate);
  if (block === undefined) throw new TypeError("the certificate's text holds no PEM block");
  return block.der;
}

/** A damaged certificate has an id too. */
function publicKeyOf(certificate: Uint8Array): Uint8Array {
  try {
    return parseCertificate(certificate).publicKey.spki;
  } catch {
    return certificate;
  }
}
