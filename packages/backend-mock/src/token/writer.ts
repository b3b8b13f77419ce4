import {
  basicConstraints,
  type Certificate,
  CredentialError,
  type ImportCertificateOptions,
  type ImportedCertificate,
  matchesObject,
  type NewKeyType,
  type Pkcs11Uri,
  parseCertificate,
  type StoredKeyPair,
  sameBytes,
  selectOne,
  webCrypto,
} from "@ddscred/core";
import { generateMockKey, importMockKey, type MockKey } from "../pki/key.ts";
import { type CallContext, type Cryptoki, Refusal } from "./cryptoki.ts";
import { objectNames, objectUri } from "./names.ts";
import type { MockObject, StoredObject } from "./objects.ts";
import type { PinSource, TokenSession } from "./session.ts";
import { tokenSigner } from "./signer.ts";

/** The token of a URI, opened for writing. */
export interface OpenToken {
  readonly session: TokenSession;
  readonly pin: PinSource;
  readonly parsed: Pkcs11Uri;
}

/** Makes, stores and removes objects on tokens, by the rules of the real backend. */
export class Writer {
  readonly #cryptoki: Cryptoki;
  readonly #open: (context: CallContext) => Promise<OpenToken>;

  constructor(cryptoki: Cryptoki, open: (context: CallContext) => Promise<OpenToken>) {
    this.#cryptoki = cryptoki;
    this.#open = open;
  }

  generateKeyPair(context: CallContext, keyType: NewKeyType): Promise<StoredKeyPair> {
    return this.#storeKey(context, "C_GenerateKeyPair", () => generateMockKey(keyType));
  }

  importPrivateKey(context: CallContext, pkcs8: Uint8Array): Promise<StoredKeyPair> {
    return this.#storeKey(context, "C_CreateObject", () => importMockKey(pkcs8));
  }

  async importCertificate(
    context: CallContext,
    certificate: Certificate,
    { withoutKey = false }: ImportCertificateOptions,
  ): Promise<ImportedCertificate> {
    const { session, parsed } = await this.#open(context);
    const all = await session.objects(context);
    const key = all.find((object) => sameOwner(object, certificate));
    if (key === undefined && !withoutKey && basicConstraints(certificate)?.ca !== true) {
      throw new CredentialError(
        "KEY_MISMATCH",
        "no private key on the token belongs to the certificate",
        context,
      );
    }
    const { object: label = key?.label ?? "", id = key?.id } = parsed.path;
    if (label === "") throw unnamed(context);
    if (key !== undefined && !sameBytes(key.id, id ?? key.id)) {
      throw new CredentialError("KEY_MISMATCH", "the private key of the certificate has another id", context);
    }
    const check = (): void => {
      const there = session.token
        .objects(true)
        .filter(
          ({ type, label: other, value }) =>
            type === "cert" &&
            (other === label || (value !== undefined && sameBytes(value, certificate.der))),
        );
      if (there.length > 0) throw exists(there, context);
    };
    const object = { label, certificate: certificate.der, ...(id === undefined ? {} : { id }) };
    const stored = await this.#store(session, context, "C_CreateObject", object, check);
    const uri = objectUri(stored);
    return key === undefined ? { uri } : { uri, privateKeyUri: objectUri(key) };
  }

  async remove(context: CallContext): Promise<void> {
    const { session, parsed } = await this.#open(context);
    const { object: label, id, type } = parsed.path;
    if (label === undefined && id === undefined) throw unnamed(context);
    const all = await session.objects(context);
    const matching = all.filter((object) => matchesObject(parsed, object));
    const object = selectOne(matching, all, objectNames, { uri: context.uri, what: "object" });
    if (object.type === "private" && type !== "private") {
      const message = "the URI names a private key without type=private";
      throw new CredentialError("REMOVAL_REFUSED", message, context);
    }
    await this.#write("C_DestroyObject", session, context, () => object.token.destroy(object));
  }

  async #storeKey(
    context: CallContext,
    call: "C_GenerateKeyPair" | "C_CreateObject",
    make: () => Promise<MockKey>,
  ): Promise<StoredKeyPair> {
    const { session, pin, parsed } = await this.#open(context);
    const { object: label = "", id = crypto.getRandomValues(new Uint8Array(8)) } = parsed.path;
    if (label === "" && parsed.path.id === undefined) throw unnamed(context);
    const check = (): void => {
      const there = session.token
        .objects(true)
        .filter(
          ({ type, label: other, id: otherId }) =>
            (type === "private" && label !== "" && other === label) || sameBytes(otherId, id),
        );
      if (there.length > 0) throw exists(there, context);
    };
    check();
    const key = await make();
    // Somebody else may have been faster.
    const stored = await this.#store(session, context, call, { label, id, key }, check);
    const object = { key };
    const signer = tokenSigner(
      { object, publicKey: key.publicKey, session, pin, uri: context.uri },
      this.#cryptoki,
    );
    try {
      const [scheme] = signer.schemes;
      if (scheme === undefined) throw new CredentialError("KEY_UNSUPPORTED", "the key signs in no scheme");
      const challenge = webCrypto().randomBytes(32);
      const signature = await signer.sign(scheme, challenge, context);
      if (!(await webCrypto().verify(key.publicKey, scheme, challenge, signature))) {
        throw new CredentialError("KEY_MISMATCH", "a signature by the new key does not verify", context);
      }
    } catch (error) {
      stored.token.destroy(stored);
      throw error;
    }
    const local = call === "C_GenerateKeyPair";
    const protection = { sensitive: true, neverExtractable: local, local };
    return { ...signer, uri: objectUri(stored), protection };
  }

  /** Stores an object, and takes it away again where nobody waits for it any more. */
  async #store(
    session: TokenSession,
    context: CallContext,
    call: "C_GenerateKeyPair" | "C_CreateObject",
    object: MockObject,
    check: () => void,
  ): Promise<StoredObject> {
    const stored = await this.#write(call, session, context, () => {
      check();
      return session.token.store(object);
    });
    if (context.signal?.aborted !== true) return stored;
    stored.token.destroy(stored);
    throw new CredentialError("ABORTED", "the call was aborted", context);
  }

  async #write<T>(
    call: "C_GenerateKeyPair" | "C_CreateObject" | "C_DestroyObject",
    session: TokenSession,
    context: CallContext,
    body: () => T,
  ): Promise<T> {
    return await this.#cryptoki.call(call, session.token.label, context, () => {
      if (session.token.writeProtected) throw new Refusal("CKR_TOKEN_WRITE_PROTECTED");
      return body();
    });
  }
}

function sameOwner({ type, key }: StoredObject, { publicKey }: Certificate): boolean {
  return type === "private" && key !== undefined && sameBytes(key.key.publicKey, publicKey.spki);
}

/** The certificate that is to be stored, before anything is asked for it. */
export function certificateToStore(der: Uint8Array): Certificate {
  if (!(der instanceof Uint8Array)) throw new TypeError("a certificate is a Uint8Array");
  return parseCertificate(der);
}

function unnamed({ uri }: CallContext): CredentialError {
  return new CredentialError("OBJECT_UNNAMED", "the URI gives the new object no label", { uri });
}

function exists(found: readonly StoredObject[], { uri }: CallContext): CredentialError {
  const candidates = found.map(objectUri);
  const message = `${found[0]?.type === "cert" ? "a certificate" : "a key"} of this name is on the token already`;
  return new CredentialError("OBJECT_EXISTS", message, { uri, candidates });
}
