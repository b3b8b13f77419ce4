import {
  type Certificate,
  type CredentialDescription,
  CredentialError,
  formatName,
  type LibraryInfo,
  matchesLibrary,
  matchesObject,
  matchesSlot,
  matchesToken,
  type Pkcs11Uri,
  parseCertificate,
  parsePkcs11Uri,
  type Signer,
  selectOne,
} from "@ddscred/core";
import type { CallContext, Cryptoki } from "./cryptoki.ts";
import { objectNames, objectUri, tokenNames, tokenUri } from "./names.ts";
import type { StoredObject } from "./objects.ts";
import { type PinSource, TokenSession } from "./session.ts";
import { tokenSigner } from "./signer.ts";
import type { Token } from "./token.ts";
import type { OpenToken } from "./writer.ts";

/** Finds the PIN for a token: in the URI, or by the caller's provider. */
export type PinFinder = (parsed: Pkcs11Uri, token: Token, uri: string) => PinSource;

/** Answers pkcs11: URIs from tokens in memory, as a client of a real module would. */
export class Tokens {
  readonly #sessions: readonly TokenSession[];
  readonly #cryptoki: Cryptoki;
  readonly #pinFinder: PinFinder;

  constructor(tokens: readonly Token[], cryptoki: Cryptoki, pinFinder: PinFinder, allowFinalTry: boolean) {
    this.#cryptoki = cryptoki;
    this.#pinFinder = pinFinder;
    this.#sessions = tokens.map((token) => new TokenSession(token, cryptoki, allowFinalTry));
  }

  async certificates(context: CallContext): Promise<readonly Certificate[]> {
    const { object } = await this.#find("cert", context);
    const value = await this.#attribute(object, object.value, context);
    try {
      return [parseCertificate(value)];
    } catch (error) {
      throw error instanceof CredentialError ? error.with({ uri: context.uri }) : error;
    }
  }

  async signer(context: CallContext): Promise<Signer> {
    const { object, session, pin } = await this.#find("private", context);
    const { key } = object;
    const publicKey = await this.#attribute(object, key?.key.publicKey, context);
    if (key === undefined) throw new TypeError("a private key object has a key");
    return tokenSigner({ object: key, publicKey, session, pin, uri: context.uri }, this.#cryptoki);
  }

  /** The one token that the URI means, after a login: to write on it. */
  async open(context: CallContext): Promise<OpenToken> {
    const { uri } = context;
    const parsed = parsePkcs11Uri(uri);
    const sessions = await this.#matching(parsed, context);
    if (sessions.length === 0) throw this.#noToken(uri);
    const session = selectOne(sessions, sessions, tokenNames, { uri, what: "token" });
    const pin = this.#pinFinder(parsed, session.token, uri);
    await session.login(pin, context);
    return { session, pin, parsed };
  }

  /** What is listed: tokens where the URI names no object attribute, then all objects that match. */
  async *list(context: CallContext): AsyncGenerator<CredentialDescription> {
    const parsed = parsePkcs11Uri(context.uri);
    const sessions = await this.#matching(parsed, context);
    const { object, id, type } = parsed.path;
    const tokensToo = object === undefined && id === undefined && type === undefined;
    const [only] = sessions;
    const hasPin = parsed.query["pin-value"] !== undefined || parsed.query["pin-source"] !== undefined;
    if (only !== undefined && sessions.length === 1 && hasPin) {
      await only.login(this.#pinFinder(parsed, only.token, context.uri), context);
    }
    for (const session of sessions) {
      if (tokensToo) yield tokenDescription(session.token);
      for (const object of await session.objects(context)) {
        if (matchesObject(parsed, object)) yield objectDescription(object);
      }
    }
  }

  /**
   * The one object of the type that the URI names. What is public is looked at first; a PIN is used only where
   * nothing public matches, and only where one token is meant.
   */
  async #find(type: "cert" | "private", context: CallContext) {
    const { uri } = context;
    const parsed = parsePkcs11Uri(uri);
    const sessions = await this.#matching(parsed, context);
    const [only] = sessions;
    if (only === undefined) throw this.#noToken(uri);
    const pin = this.#pinFinder(parsed, only.token, uri);
    let objects = await this.#visible(sessions, type, context);
    if (!objects.some((object) => matchesObject(parsed, object)) && sessions.some((one) => !one.unlocked)) {
      if (type === "private" || parsed.query["pin-value"] !== undefined) {
        const session = selectOne(sessions, sessions, tokenNames, { uri, what: "token" });
        await session.login(pin, context);
        objects = await this.#visible([session], type, context);
      }
    }
    const matching = objects.filter((object) => matchesObject(parsed, object));
    const what = type === "cert" ? "certificate" : "private key";
    const object = selectOne(matching, objects, objectNames, { uri, what });
    const session = sessions.find(({ token }) => token === object.token) ?? only;
    return { object, session, pin };
  }

  async #visible(sessions: readonly TokenSession[], type: string, context: CallContext) {
    const found: StoredObject[] = [];
    for (const session of sessions) {
      found.push(...(await session.objects(context)).filter((object) => object.type === type));
    }
    return found;
  }

  /** Sessions with the tokens in their slots that the URI means. */
  async #matching(parsed: Pkcs11Uri, context: CallContext): Promise<readonly TokenSession[]> {
    await this.#cryptoki.initialize(context);
    const present = await this.#cryptoki.call("C_GetSlotList", undefined, context, () =>
      this.#sessions.filter(({ token }) => token.present),
    );
    return present.filter(({ token }) => {
      const slotId = this.#sessions.findIndex((session) => session.token === token);
      const slot = { slotDescription: `Mock slot ${slotId}`, manufacturerID: "ddscred", slotId };
      return (
        matchesToken(parsed, { ...token.info, slotId }) &&
        matchesSlot(parsed, slot) &&
        matchesLibrary(parsed, MOCK_LIBRARY)
      );
    });
  }

  #noToken(uri: string): CredentialError {
    const present = this.#sessions.filter(({ token }) => token.present);
    try {
      selectOne([], present, tokenNames, { uri, what: "token" });
    } catch (error) {
      if (error instanceof CredentialError) return error;
    }
    return new CredentialError("TOKEN_NOT_FOUND", "no token matches the URI", { uri });
  }

  /** One C_GetAttributeValue. */
  async #attribute(
    object: StoredObject,
    value: Uint8Array | undefined,
    context: CallContext,
  ): Promise<Uint8Array> {
    return this.#cryptoki.call("C_GetAttributeValue", object.token.label, context, () =>
      (value ?? new Uint8Array()).slice(),
    );
  }
}

const MOCK_LIBRARY: LibraryInfo = {
  manufacturerID: "ddscred",
  libraryDescription: "Tokens in memory",
  libraryVersion: { major: 1, minor: 0 },
};

function tokenDescription(token: Token): CredentialDescription {
  const { serialNumber, model } = token.info;
  return {
    uri: tokenUri(token),
    kind: "token",
    label: token.label,
    details: { serial: serialNumber, model },
  };
}

function objectDescription(object: StoredObject): CredentialDescription {
  const { label, key, value } = object;
  if (value !== undefined) {
    return { uri: objectUri(object), kind: "certificate", label, details: certificateDetails(value) };
  }
  const details: Record<string, string> = key === undefined ? {} : { key: key.key.kind };
  return { uri: objectUri(object), kind: "private-key", label, details };
}

function certificateDetails(value: Uint8Array): Record<string, string> {
  try {
    const { subject, notAfter, publicKey } = parseCertificate(value);
    return { subject: formatName(subject), key: publicKey.label, expires: notAfter.toISOString() };
  } catch {
    return { damaged: "the certificate cannot be decoded" };
  }
}
