import { isWellFormed, utf8Bytes } from "../../host.ts";
import {
  type AttributeRow,
  isPathName,
  type LibraryVersion,
  objectTypes,
  type Pkcs11ObjectType,
  pathAttributes,
} from "./attributes.ts";
import type { Fault } from "./fault.ts";

/** Rules on single values, after decoding; parse and format share them. Each answers the value or what is wrong. */

/** A text attribute of the path fits the field of PKCS#11 it is compared with (2.3: refuse what PKCS#11 would not accept). */
export function textFault(name: string, text: string): Fault | undefined {
  if (!isWellFormed(text))
    return { rule: "bad-utf8", message: `${name} holds half a surrogate pair, which is no text` };
  const length = utf8Bytes(text).length;
  const limit = fieldLimit(name);
  if (length > limit) {
    return {
      rule: "value-too-long",
      message: `${name} has ${length} bytes; the field of PKCS#11 holds ${limit}`,
      hint: `No token can match: shorten ${name} to ${limit} bytes of UTF-8.`,
    };
  }
  if (name === "serial" && /[^ -~]/.test(text)) {
    return {
      rule: "bad-serial-character",
      message: "serial holds a character outside printable ASCII, which the field of PKCS#11 cannot hold",
      hint: "Copy the serial number from `ddscred ls`.",
    };
  }
  if (name === "module-path" && !ABSOLUTE.test(text)) {
    return {
      rule: "relative-module-path",
      message: "module-path is not an absolute path",
      hint: "Write the whole path, such as /usr/lib/softhsm/libsofthsm2.so, or use module-name.",
    };
  }
  return undefined;
}

/** `type`: a literal, so case-insensitive and never escaped. */
export function objectTypeOf(text: string): Pkcs11ObjectType | undefined {
  const lower = text.toLowerCase();
  return objectTypes.find((type) => type === lower);
}

/** `library-version`: M or M.N, each one byte. */
export function libraryVersionOf(text: string): LibraryVersion | undefined {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const major = Number(match[1]);
  const minor = Number(match[2] ?? "0");
  return major <= 255 && minor <= 255 ? { major, minor } : undefined;
}

/** `slot-id`: CK_SLOT_ID has up to 64 bits. */
export function slotIdOf(text: string): bigint | undefined {
  const digits = /^0*(\d{1,20})$/.exec(text)?.[1];
  const slotId = digits === undefined ? undefined : BigInt(digits);
  return slotId !== undefined && slotId <= MAX_SLOT_ID ? slotId : undefined;
}

function fieldLimit(name: string): number {
  const row: AttributeRow | undefined = isPathName(name) ? pathAttributes[name] : undefined;
  return row?.limit ?? Number.POSITIVE_INFINITY;
}

export const MAX_SLOT_ID = 0xffff_ffff_ffff_ffffn;

/** POSIX, a Windows drive, or a Windows share. */
const ABSOLUTE = /^(?:\/|[a-z]:[\\/]|\\\\)/i;

/** Whether a value is a CK_VERSION. */
export function isVersion(value: unknown): value is LibraryVersion {
  if (typeof value !== "object" || value === null) return false;
  const { major, minor } = value as Record<string, unknown>;
  return isByte(major) && isByte(minor);
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;
}
