import { utf8Bytes, utf8Text } from "@ddscred/core";
import { tokenInvalid } from "./fault.ts";

export type Endianness = "big" | "little";

/**
 * Writes plain CDR of version 1 (DDSI-RTPS 10): integers are aligned to 4 from the first octet that is written here.
 * No encapsulation header, no padding after the last octet.
 */
export class CdrWriter {
  readonly #endianness: Endianness;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(endianness: Endianness) {
    this.#endianness = endianness;
  }

  uint32(value: number): void {
    this.align();
    const octets = new Uint8Array(4);
    new DataView(octets.buffer).setUint32(0, value, this.#endianness === "little");
    this.raw(octets);
  }

  /** The length counts the terminating NUL. */
  string(text: string): void {
    const octets = utf8Bytes(text);
    this.uint32(octets.length + 1);
    this.raw(octets);
    this.raw(NUL);
  }

  octets(octets: Uint8Array): void {
    this.uint32(octets.length);
    this.raw(octets);
  }

  raw(octets: Uint8Array): void {
    this.#parts.push(octets);
    this.#length += octets.length;
  }

  align(): void {
    const rest = this.#length % 4;
    if (rest !== 0) this.raw(PADDING.subarray(rest));
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

const NUL = new Uint8Array(1);
const PADDING = new Uint8Array(4);

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
