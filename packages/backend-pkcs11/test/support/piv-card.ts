import { constants, createECDH, type KeyObject, privateDecrypt } from "node:crypto";

/** A key reference of SP 800-73-4 table 4b, with what the card holds under it. */
export interface PivKey {
  /** 9a to 9e */
  readonly reference: number;
  /** P-256 or RSA with 2048 bits; absent where there is but a certificate. */
  readonly key?: KeyObject;
  readonly certificate: Uint8Array;
  /** What a YubiKey says of a key that was made on it. */
  readonly attestation?: Uint8Array;
}

/**
 * A PIV card (NIST SP 800-73-4) in software, as far as OpenSC and Yubico's module use one to read and to sign. It
 * says that it is a YubiKey 5: OpenSC offers EC keys of makes that it knows alone.
 */
export class PivCard {
  /** Answer to reset of a YubiKey 5. */
  readonly atr = Buffer.from("3bfd1300008131fe158073c021c057597562694b657940", "hex");
  readonly #pin: string;
  readonly #keys: ReadonlyMap<number, PivKey>;
  readonly #objects: ReadonlyMap<string, Buffer>;
  #tries = TRIES;
  #isVerified = false;
  /** Whether the PIN came just before: key 9c wants it each time. */
  #isFresh = false;
  #chained: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);

  constructor(pin: string, keys: readonly PivKey[]) {
    this.#pin = pin;
    this.#keys = new Map(keys.map((key) => [key.reference, key]));
    this.#objects = new Map([...fixedObjects, ...keys.map(certificateObject)]);
  }

  reset(): void {
    this.#isVerified = false;
    this.#isFresh = false;
  }

  /** Answers one command, of either length (ISO 7816-4 5.3), with its data and the status word. */
  answer(command: Buffer): Buffer {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = command;
    const { data: part, expected } = body(command);
    if (ins === GET_RESPONSE) return this.#give(this.#rest, expected);
    const data = Buffer.concat([this.#chained, part]);
    this.#chained = cla & CHAINED ? data : Buffer.alloc(0);
    if (cla & CHAINED) return status(0x9000);
    const answer = this.#run(ins, p1, p2, data);
    return typeof answer === "number" ? status(answer) : this.#give(answer, expected);
  }

  #run(ins: number, p1: number, p2: number, data: Buffer): Buffer | number {
    switch (ins) {
      case 0xa4:
        return p1 === 4 && namesApplication(data) ? selected : NOT_FOUND;
      case 0xcb:
        return this.#objects.get(fields(data).get(0x5c)?.toString("hex") ?? "") ?? NOT_FOUND;
      case 0x20:
        return this.#verify(p2, data);
      case 0x87:
        return this.#authenticate(p2, data);
      case 0xf9: {
        const attestation = this.#keys.get(p1)?.attestation; // YubiKey: attest
        return attestation === undefined ? 0x6a80 : Buffer.from(attestation);
      }
      case 0xfd:
        return Buffer.from([5, 2, 4]); // YubiKey: version
      case 0xf8:
        return Buffer.from([0, 0x12, 0x34, 0x56]); // YubiKey: serial number
      default:
        return 0x6d00;
    }
  }

  #verify(reference: number, data: Buffer): number {
    if (reference !== 0x80) return 0x6a88;
    if (data.length === 0) return this.#isVerified ? 0x9000 : 0x63c0 | this.#tries;
    if (this.#tries === 0) return 0x6983;
    const isRight = data.toString("latin1").replace(/\xff+$/, "") === this.#pin;
    this.#tries = isRight ? TRIES : this.#tries - 1;
    this.#isVerified = isRight;
    this.#isFresh = isRight;
    if (isRight) return 0x9000;
    return this.#tries === 0 ? 0x6983 : 0x63c0 | this.#tries;
  }

  /** GENERAL AUTHENTICATE: a signature over what is padded already. */
  #authenticate(reference: number, data: Buffer): Buffer | number {
    const key = this.#keys.get(reference)?.key;
    if (key === undefined) return 0x6a86;
    if (!this.#isVerified || (reference === 0x9c && !this.#isFresh)) return 0x6982;
    this.#isFresh = false;
    const challenge = fields(fields(data).get(0x7c) ?? Buffer.alloc(0)).get(0x81);
    if (challenge === undefined) return 0x6a80;
    const isRsa = key.asymmetricKeyType === "rsa";
    const padding = constants.RSA_NO_PADDING;
    return tlv("7c", tlv("82", isRsa ? privateDecrypt({ key, padding }, challenge) : ecdsa(key, challenge)));
  }

  /** As much as is wanted of an answer, and how much more there is. */
  #give(data: Buffer, expected: number): Buffer {
    const some = data.subarray(0, expected);
    this.#rest = data.subarray(expected);
    const more = this.#rest.length;
    return Buffer.concat([some, status(more === 0 ? 0x9000 : 0x6100 | Math.min(more, 0xff))]);
  }
}

/** Data and expected length of a command APDU. */
function body(command: Buffer): { data: Buffer; expected: number } {
  const isLong = command.length > 7 && command[4] === 0;
  const start = isLong ? 7 : 5;
  const length = command.length <= 5 ? 0 : isLong ? command.readUInt16BE(5) : (command[4] ?? 0);
  const data = command.subarray(start, start + length);
  if (isLong) return { data, expected: 0x1_0000 };
  const last = command.length === 5 ? command[4] : command[start + length];
  return { data, expected: last === undefined || last === 0 ? 256 : last };
}

/** Elements of one level, by tag of one octet. */
function fields(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 1 < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const octets = first > 0x80 ? first - 0x80 : 0;
    const start = at + 2 + octets;
    const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets);
    found.set(tag, bytes.subarray(start, start + length));
    at = start + length;
  }
  return found;
}

function tlv(tag: string, ...content: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(content);
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(tag, "hex"), Buffer.from(size), value]);
}

/** ECDSA over a digest (FIPS 186-5 6.4.1), DER. Node signs messages alone; for a card that holds test keys this will do. */
function ecdsa(key: KeyObject, digest: Buffer): Buffer {
  const d = BigInt(`0x${Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url").toString("hex")}`);
  const once = createECDH("prime256v1");
  const point = once.generateKeys();
  const k = BigInt(`0x${once.getPrivateKey("hex")}`);
  const r = BigInt(`0x${point.subarray(1, 33).toString("hex")}`) % ORDER;
  const s = (power(k, ORDER - 2n) * (BigInt(`0x${digest.toString("hex")}`) + r * d)) % ORDER;
  return tlv("30", integer(r), integer(s));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base % ORDER, bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % ORDER;
    square = (square * square) % ORDER;
  }
  return result;
}

function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return tlv("02", (magnitude[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), magnitude);
}

const status = (word: number): Buffer => Buffer.from([word >> 8, word & 0xff]);

const TRIES = 3;
const CHAINED = 0x10;
const GET_RESPONSE = 0xc0;
const NOT_FOUND = 0x6a82;
/** Of the curve P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const APPLICATION = Buffer.from("a000000308000010000100", "hex");
/** It may be shortened, and has no version then. */
function namesApplication(name: Buffer): boolean {
  const wanted = name.subarray(0, 9);
  return wanted.length >= 5 && APPLICATION.subarray(0, wanted.length).equals(wanted);
}

const selected = tlv(
  "61",
  tlv("4f", APPLICATION.subarray(5)),
  tlv("79", tlv("4f", APPLICATION.subarray(0, 5))),
);

/** Tags of the certificates, by key reference (SP 800-73-4 table 3). */
const certificateTags = new Map([
  [0x9a, "5fc105"],
  [0x9c, "5fc10a"],
  [0x9d, "5fc10b"],
  [0x9e, "5fc101"],
]);

function certificateObject({ reference, certificate }: PivKey): [string, Buffer] {
  const content = tlv("53", tlv("70", certificate), tlv("71", Buffer.from([0])), tlv("fe"));
  return [certificateTags.get(reference) ?? "", content];
}

const GUID = "00112233445566778899aabbccddeeff";

/** Discovery, card holder unique identifier, and capability container. */
const fixedObjects: readonly [string, Buffer][] = [
  ["7e", tlv("7e", tlv("4f", APPLICATION), tlv("5f2f", Buffer.from([0x40, 0])))],
  [
    "5fc102",
    tlv(
      "53",
      tlv("30", Buffer.from("d4e739da739ced39ce739d836858210842108421c84210c3eb", "hex")),
      tlv("34", Buffer.from(GUID, "hex")),
      tlv("35", Buffer.from("20460101")),
      tlv("3e"),
      tlv("fe"),
    ),
  ],
  [
    "5fc107",
    tlv(
      "53",
      tlv("f0", Buffer.from(`a000000116ff02${GUID.slice(0, 28)}`, "hex")),
      tlv("f1", Buffer.from([0x21])),
      tlv("f2", Buffer.from([0x21])),
      tlv("f3"),
      tlv("f4", Buffer.from([0])),
      tlv("f5", Buffer.from([0x10])),
      ...["f6", "f7", "fa", "fb", "fc", "fd", "fe"].map((tag) => tlv(tag)),
    ),
  ],
];
