import { utf8Bytes, utf8Text } from "@ddscred/core";
import { tokenInvalid } from "./fault.ts";

export type Endianness = "big" | "little";

/**
 * Writes plain CDR of version 1 (DDSI-RTPS 10): integers are aligned to 4 from the first octet that is written here.
 * No encapsulation header, no padding after the last octet.
 */
export class CdrWriter {
  readonly #little: boolean;
  #octets: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param expected how many octets will be written, about */
  constructor(endianness: Endianness, expected = 64) {
    this.#little = endianness === "little";
    this.#octets = new Uint8Array(expected);
    this.#view = new DataView(this.#octets.buffer);
  }

  uint32(value: number): void {
    this.align();
    this.#grow(4);
    this.#view.setUint32(this.#length, value, this.#little);
    this.#length += 4;
  }

  /** The length counts the terminating NUL. */
  string(text: string): void {
    const octets = names.get(text) ?? utf8Bytes(text);
    this.uint32(octets.length + 1);
    this.raw(octets);
    this.#zeros(1);
  }

  octets(octets: Uint8Array): void {
    this.uint32(octets.length);
    this.raw(octets);
  }

  raw(octets: Uint8Array): void {
    this.#grow(octets.length);
    this.#octets.set(octets, this.#length);
    this.#length += octets.length;
  }

  align(): void {
    this.#zeros((4 - (this.#length % 4)) % 4);
  }

  /** What was written; the writer must not be used any more. */
  bytes(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }

  #zeros(count: number): void {
    this.#grow(count);
    this.#length += count;
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#octets.length * 2));
    larger.set(this.#octets);
    this.#octets = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** What stands in every handshake; encoding it again and again takes longer than hashing it. */
const names = new Map(
  "c.id c.perm c.pdata c.dsign_algo c.kagree_algo dh1 dh2 challenge1 challenge2 hash_c1 hash_c2 signature"
    .split(" ")
    .map((name) => [name, utf8Bytes(name)]),
);

/** Reads what {@link CdrWriter} writes: every length is checked against what is left. `HANDSHAKE_TOKEN_INVALID`. */
export class CdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #what: string;
  #at = 0;

  /** @param what is read, for messages */
  constructor(bytes: Uint8Array, endianness: Endianness, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = endianness === "little";
    this.#what = what;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint32(): number {
    this.#at += (4 - (this.#at % 4)) % 4;
    const at = this.#take(4);
    return this.#view.getUint32(at, this.#little);
  }

  /** A sequence's count; each element takes at least `least` octets. */
  count(most: number, least: number): number {
    const count = this.uint32();
    if (count > most || count * least > this.left) throw this.invalid(`a sequence of ${count} elements`);
    return count;
  }

  string(most: number): string {
    const length = this.uint32();
    if (length === 0 || length - 1 > most) throw this.invalid(`a string of ${length} octets`);
    const at = this.#take(length);
    const octets = this.#bytes.subarray(at, at + length - 1);
    const text = octets.includes(0) || this.#bytes[at + length - 1] !== 0 ? undefined : utf8Text(octets);
    if (text === undefined) throw this.invalid("a string that is not UTF-8 with one NUL at its end");
    return text;
  }

  octets(most: number): Uint8Array {
    const length = this.uint32();
    if (length > most) throw this.invalid(`a sequence of ${length} octets`);
    return this.raw(length);
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  /** Nothing but padding to the next multiple of 4 may follow. */
  end(): void {
    if (this.left > 3 || this.#bytes.subarray(this.#at).some((octet) => octet !== 0)) {
      throw this.invalid(`${this.left} octets too many`);
    }
  }

  invalid(found: string) {
    return tokenInvalid(`${this.#what} holds ${found}, at octet ${this.#at}`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw tokenInvalid(`${this.#what} ends early, at octet ${at}`);
    this.#at += length;
    return at;
  }
}
