import type { CryptoProvider } from "@ddscred/core";

/**
 * The secret that two participants share after a handshake: SHA-256 of what the key agreement gave
 * (DDS-Security 1.1 9.3.2.3). However JavaScript prints it, it reads `[redacted]`.
 *
 * `wipe` overwrites it. Copies that the engine made while it was computed are out of reach.
 */
export class SharedSecret {
  readonly #octets: Uint8Array;
  #wiped = false;

  /** @param octets taken over, not copied */
  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** The 32 octets themselves: use them at once, never store, log or compare them with `===`. */
  reveal(): Uint8Array {
    if (this.#wiped) throw new TypeError("the shared secret was wiped");
    return this.#octets;
  }

  wipe(): void {
    this.#octets.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

const REDACTED = "[redacted]";

/**
 * The shared secret of what the agreement gave, which is wiped. A number of Diffie-Hellman counts without leading
 * zero octets, because OpenSSL strips them; the x-coordinate of P-256 counts whole.
 */
export async function sharedSecretOf(
  agreed: Uint8Array,
  group: "P-256" | "MODP-2048-256",
  crypto: CryptoProvider,
): Promise<SharedSecret> {
  const first = group === "P-256" ? 0 : agreed.findIndex((octet) => octet !== 0);
  const secret = await crypto.digest("SHA-256", agreed.subarray(Math.max(first, 0)));
  agreed.fill(0);
  return new SharedSecret(secret);
}

/** What the cryptographic plugin starts from: it protects the exchange of all further keys. */
export interface KeyExchangeMaterial {
  readonly masterSalt: SharedSecret;
  readonly masterSenderKey: SharedSecret;
}

/**
 * Master salt and master sender key of the channel for key exchange (DDS-Security 1.1 9.5.2.1.2, Table 73).
 * Both sides derive the same.
 */
export async function deriveKeyExchange(
  peer: {
    readonly sharedSecret: SharedSecret;
    readonly challenge1: Uint8Array;
    readonly challenge2: Uint8Array;
  },
  crypto: CryptoProvider,
): Promise<KeyExchangeMaterial> {
  const { challenge1, challenge2 } = peer;
  const derive = async (...key: readonly Uint8Array[]) => {
    const hashed = await crypto.digest("SHA-256", concat(...key));
    return new SharedSecret(await hmacSha256(hashed, peer.sharedSecret.reveal(), crypto));
  };
  return {
    masterSalt: await derive(challenge1, ascii("keyexchange salt"), challenge2),
    masterSenderKey: await derive(challenge2, ascii("key exchange key"), challenge1),
  };
}

/** RFC 2104, for keys of up to one block. */
async function hmacSha256(key: Uint8Array, message: Uint8Array, crypto: CryptoProvider): Promise<Uint8Array> {
  const pad = (value: number) => Uint8Array.from({ length: 64 }, (_, i) => (key[i] ?? 0) ^ value);
  const inner = concat(pad(0x36), message);
  const hashed = await crypto.digest("SHA-256", inner);
  inner.fill(0);
  return await crypto.digest("SHA-256", concat(pad(0x5c), hashed));
}

/** Whether two values are the same, in a time that does not depend on where they differ. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
