import { CdrReader, CdrWriter, type Endianness } from "./cdr.ts";

/** The structure of every token (DDS-Security 1.1 7.2.3). */
export interface DataHolder {
  /** Names the kind of token and its version, such as `DDS:Auth:PKI-DH:1.0+Req`; empty in the nil token. */
  readonly classId: string;
  readonly properties: readonly Property[];
  readonly binaryProperties: readonly BinaryProperty[];
}

export interface Property {
  readonly name: string;
  readonly value: string;
}

export interface BinaryProperty {
  readonly name: string;
  readonly value: Uint8Array;
}

/** What any token may hold; beyond it is no token of a credential that works anywhere. */
export const tokenLimits = {
  properties: 64,
  nameOctets: 256,
  /** A permissions document is the largest value. */
  valueOctets: 1024 * 1024,
  /** Of all values together. */
  octets: 2 * 1024 * 1024,
} as const;

/**
 * A token as CDR, without encapsulation header; on the wire the header says the endianness.
 * Properties of ours all propagate, so all are written.
 */
export function encodeDataHolder(token: DataHolder, endianness: Endianness = "big"): Uint8Array {
  const writer = new CdrWriter(endianness, 256 + sizeOf(token.binaryProperties));
  writer.string(token.classId);
  writer.uint32(token.properties.length);
  for (const { name, value } of token.properties) {
    writer.string(name);
    writer.string(value);
  }
  writeBinaryProperties(writer, token.binaryProperties);
  return writer.bytes();
}

/**
 * Reads a token. Up to three octets of zero padding may follow.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`: it ends early, is too large, or a string is none
 */
export function decodeDataHolder(bytes: Uint8Array, endianness: Endianness = "big"): DataHolder {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("decodeDataHolder reads a Uint8Array");
  const { nameOctets, valueOctets, properties: most } = tokenLimits;
  const reader = new CdrReader(bytes, endianness, "the token");
  const classId = reader.string(nameOctets);
  const properties = Array.from({ length: reader.count(most, 10) }, () => ({
    name: reader.string(nameOctets),
    value: reader.string(valueOctets),
  }));
  const binaryProperties = Array.from({ length: reader.count(most, 8) }, () => ({
    name: reader.string(nameOctets),
    value: reader.octets(valueOctets),
  }));
  reader.end();
  return { classId, properties, binaryProperties };
}

/**
 * What is hashed and signed of a handshake: the sequence of binary properties as big-endian CDR, without header and
 * without padding after the last (DDS-Security 1.1 9.3.2.5).
 */
export function encodeBinaryProperties(properties: readonly BinaryProperty[]): Uint8Array {
  const writer = new CdrWriter("big", sizeOf(properties));
  writeBinaryProperties(writer, properties);
  return writer.bytes();
}

/** At most, for names without letters beyond ASCII. */
function sizeOf(properties: readonly BinaryProperty[]): number {
  let size = 4;
  for (const { name, value } of properties) size += name.length + value.length + 15;
  return size;
}

function writeBinaryProperties(writer: CdrWriter, properties: readonly BinaryProperty[]): void {
  writer.uint32(properties.length);
  for (const { name, value } of properties) {
    writer.string(name);
    writer.octets(value);
  }
}
