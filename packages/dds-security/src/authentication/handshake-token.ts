import { CredentialError, type CryptoProvider, sameBytes } from "@ddscred/core";
import { type BinaryProperty, type DataHolder, encodeBinaryProperties } from "./data-holder.ts";
import { tokenInvalid } from "./fault.ts";
import { classIds, classOf, type HandshakeMessage } from "./tokens.ts";

/** The binary properties of the three messages (DDS-Security 1.1 Tables 49 to 51). */
type FieldName = keyof typeof sizes;

/** The values of a message, by name; what is optional may be missing. */
export type Fields = Partial<Record<FieldName, Uint8Array>>;

/** Fewest and most octets of each value. */
const sizes = {
  "c.id": [1, 65_536],
  "c.perm": [1, 1_048_576],
  "c.pdata": [1, 65_536],
  "c.dsign_algo": [1, 64],
  "c.kagree_algo": [1, 64],
  hash_c1: [32, 32],
  hash_c2: [32, 32],
  dh1: [1, 512],
  dh2: [1, 512],
  challenge1: [32, 32],
  challenge2: [32, 32],
  ocsp_status: [1, 65_536],
  signature: [1, 1_024],
} as const satisfies Record<string, readonly [number, number]>;

const CREDENTIALS = ["c.id", "c.perm", "c.pdata", "c.dsign_algo", "c.kagree_algo"] as const;

const required = {
  Req: [...CREDENTIALS, "dh1", "challenge1"],
  Reply: [...CREDENTIALS, "dh2", "challenge1", "challenge2", "signature"],
  Final: ["challenge1", "challenge2", "signature"],
} as const satisfies Record<HandshakeMessage, readonly FieldName[]>;

/** What a message may hold besides. A field that belongs to another message is refused. */
const optional = {
  Req: ["hash_c1", "ocsp_status"],
  Reply: ["hash_c1", "hash_c2", "dh1", "ocsp_status"],
  Final: ["hash_c1", "hash_c2", "dh1", "dh2"],
} as const satisfies Record<HandshakeMessage, readonly FieldName[]>;

export type MessageFields<M extends HandshakeMessage> = Record<(typeof required)[M][number], Uint8Array> &
  Fields;

/**
 * Which message a token is.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID` where it is none of this plugin
 */
export function messageOf(token: DataHolder): HandshakeMessage {
  const kind = classOf(token.classId);
  if (kind === "Req" || kind === "Reply" || kind === "Final") return kind;
  throw tokenInvalid(`"${token.classId.slice(0, 64)}" is no handshake message of DDS:Auth:PKI-DH`);
}

/**
 * Reads the fields of a message: each at most once, none missing, empty or over-long. Their order is free, names
 * that are not known are passed over, as peers do. Values are copied.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_UNEXPECTED`, `HANDSHAKE_TOKEN_INVALID`
 */
export function readFields<M extends HandshakeMessage>(token: DataHolder, expected: M): MessageFields<M> {
  const message = messageOf(token);
  if (message !== expected) {
    throw new CredentialError(
      "HANDSHAKE_TOKEN_UNEXPECTED",
      `a ${message} message came where ${expected} is expected`,
    );
  }
  if (token.binaryProperties.length > MAX_PROPERTIES) throw tokenInvalid("the token has too many properties");
  const known: readonly string[] = [...required[message], ...optional[message]];
  const fields: Fields = {};
  const copies = new Copies(token.binaryProperties);
  for (const { name, value } of token.binaryProperties) {
    if (!isField(name)) {
      // Some peers hash whatever is called so, others do not.
      if (name.startsWith("c.")) throw tokenInvalid(`the token has an unknown field "${name.slice(0, 32)}"`);
      continue;
    }
    if (!known.includes(name)) throw tokenInvalid(`${name} does not belong into a ${message} message`);
    if (fields[name] !== undefined) throw tokenInvalid(`${name} stands twice in the token`);
    const [least, most] = sizes[name];
    if (value.length < least || value.length > most) {
      throw tokenInvalid(
        `${name} has ${value.length} octets, not ${least === most ? least : `${least} to ${most}`}`,
      );
    }
    fields[name] = copies.of(value);
  }
  const missing = required[message].find((name) => fields[name] === undefined);
  if (missing !== undefined) throw tokenInvalid(`the ${message} message has no ${missing}`);
  return fields as MessageFields<M>;
}

/** Copies of the values of a token, in one piece of memory: many small ones cost more than what they hold. */
class Copies {
  readonly #memory: Uint8Array;
  #at = 0;

  constructor(properties: readonly BinaryProperty[]) {
    this.#memory = new Uint8Array(properties.reduce((sum, { value }) => sum + value.length, 0));
  }

  of(value: Uint8Array): Uint8Array {
    const from = this.#at;
    this.#at += value.length;
    this.#memory.set(value, from);
    return this.#memory.subarray(from, this.#at);
  }
}

/** A message of these fields, in their order. */
export function handshakeToken(message: HandshakeMessage, fields: Fields): DataHolder {
  return Object.freeze({
    classId: classIds[message],
    properties: [],
    binaryProperties: asProperties(fields),
  });
}

/** The five credentials of one side, and their hash. */
export interface HashedFields {
  readonly fields: Fields;
  readonly hash: Uint8Array;
}

/** hash_c1 and hash_c2: over the five credentials as they were sent, in this order. */
export async function hashCredentials(fields: Fields, crypto: CryptoProvider): Promise<Uint8Array> {
  const properties = CREDENTIALS.map((name) => ({ name, value: fields[name] ?? new Uint8Array() }));
  return await crypto.digest("SHA-256", encodeBinaryProperties(properties));
}

/** What both sides know when they sign. */
export interface Transcript {
  readonly hash_c1: Uint8Array;
  readonly hash_c2: Uint8Array;
  readonly dh1: Uint8Array;
  readonly dh2: Uint8Array;
  readonly challenge1: Uint8Array;
  readonly challenge2: Uint8Array;
}

/** What the signature of a reply and of a final message covers: six fields, whatever the token holds. */
export function signedContent(message: "Reply" | "Final", transcript: Transcript): Uint8Array {
  const order =
    message === "Reply"
      ? (["hash_c2", "challenge2", "dh2", "challenge1", "dh1", "hash_c1"] as const)
      : (["hash_c1", "challenge1", "dh1", "challenge2", "dh2", "hash_c2"] as const);
  return encodeBinaryProperties(order.map((name) => ({ name, value: transcript[name] })));
}

/** A message that was accepted, and what it was answered with. */
export interface Accepted {
  readonly message: HandshakeMessage;
  readonly transcript: Transcript;
  /** Of a reply and a final message. */
  readonly signature?: Uint8Array;
  readonly answer?: DataHolder;
}

/** Whether a token is that message, come again. What is optional may be there or not. */
export async function repeats(
  token: DataHolder,
  { message, transcript, signature }: Accepted,
  crypto: CryptoProvider,
): Promise<boolean> {
  if (messageOf(token) !== message) return false;
  const fields: Fields = readFields(token, message);
  if (signature !== undefined && !same(fields.signature, signature)) return false;
  if (TRANSCRIPT.some((name) => fields[name] && !same(fields[name], transcript[name]))) return false;
  if (message === "Final") return true;
  const hash = await hashCredentials(fields, crypto);
  return same(hash, message === "Req" ? transcript.hash_c1 : transcript.hash_c2);
}

const TRANSCRIPT = ["hash_c1", "hash_c2", "dh1", "dh2", "challenge1", "challenge2"] as const;

const same = (found: Uint8Array | undefined, expected: Uint8Array): boolean =>
  found !== undefined && sameBytes(found, expected);

function asProperties(fields: Fields): readonly BinaryProperty[] {
  const properties: BinaryProperty[] = [];
  for (const [name, value] of Object.entries(fields)) if (value) properties.push({ name, value });
  return properties;
}

const isField = (name: string): name is FieldName => Object.hasOwn(sizes, name);

const MAX_PROPERTIES = 64;
