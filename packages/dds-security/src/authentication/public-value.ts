import type { KeyAgreementGroup } from "@ddscred/core";
import { tokenInvalid } from "./fault.ts";

/**
 * How a public value of Diffie-Hellman is written: `raw` is the number, big-endian (1.2 Table 49, Fast DDS, OpenDDS,
 * RustDDS); `der` is an ASN.1 INTEGER (Cyclone DDS). P-256 has one form, the uncompressed point.
 */
export type ModpEncoding = "raw" | "der";

export interface PublicValue {
  /** As the CryptoProvider takes it: MODP padded to 256 octets. */
  readonly key: Uint8Array;
  readonly encoding: ModpEncoding;
}

/**
 * Reads `dh1` or `dh2`. Whether it is an element of the group is for the CryptoProvider to say.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`
 */
export function decodePublicValue(value: Uint8Array, group: KeyAgreementGroup, field: string): PublicValue {
  if (group === "P-256") {
    if (value.length === 65 && value[0] === 4) return { key: value, encoding: "raw" };
    throw tokenInvalid(`${field} is not an uncompressed point of P-256 (65 octets)`);
  }
  // An INTEGER of up to 256 octets in all would have four leading zero octets: that is a raw number. So is one that some
  // library has put a zero before, as the sign.
  const encoding = value.length > MODP_OCTETS && value[0] !== 0 ? "der" : "raw";
  const number = encoding === "der" ? integerContent(value) : value;
  const digits = number?.subarray(leadingZeros(number));
  if (digits === undefined || digits.length > MODP_OCTETS || digits.length === 0) {
    throw tokenInvalid(`${field} is no number of 2048 bits, nor the DER of one`);
  }
  const key = new Uint8Array(MODP_OCTETS);
  key.set(digits, MODP_OCTETS - digits.length);
  return { key, encoding };
}

export function encodePublicValue(
  key: Uint8Array,
  group: KeyAgreementGroup,
  encoding: ModpEncoding,
): Uint8Array {
  if (group === "P-256" || encoding === "raw") return key;
  const digits = key.subarray(leadingZeros(key));
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  const length = digits.length + sign.length;
  const header =
    length < 128 ? [2, length] : length < 256 ? [2, 0x81, length] : [2, 0x82, length >> 8, length & 255];
  return Uint8Array.from([...header, ...sign, ...digits]);
}

/** Content of a strict DER INTEGER that is positive and fills the value; its length takes two octets. */
function integerContent(value: Uint8Array): Uint8Array | undefined {
  const [tag, form, high = 0, low = 0, first = 0, second = 0] = value;
  if (tag !== 2) return undefined;
  // 0x81: up to 255 octets of content, 258 in all.
  const header = form === 0x81 ? 3 : 4;
  if (form === 0x81 ? high < 128 || high + 3 !== value.length : form !== 0x82) return undefined;
  if (form === 0x82 && ((high << 8) | low) + 4 !== value.length) return undefined;
  if (form === 0x82 && high === 0) return undefined;
  const [lead, next] = header === 3 ? [low, first] : [first, second];
  if (lead >= 0x80 || (lead === 0 && next < 0x80)) return undefined;
  return value.subarray(header);
}

function leadingZeros(number: Uint8Array): number {
  const first = number.findIndex((octet) => octet !== 0);
  return first < 0 ? number.length : first;
}

const MODP_OCTETS = 256;
