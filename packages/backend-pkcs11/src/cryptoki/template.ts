import { ulong } from "./ulong.ts";

/**
 * Attributes of objects (PKCS#11 2.40 section 4), each with its number and the type of its value. Nothing else
 * ever reaches the native binding: a value of a wrong type would make it free memory twice.
 */
const attributes = {
  CKA_CLASS: { type: 0x000, kind: "ulong" },
  CKA_TOKEN: { type: 0x001, kind: "bool" },
  CKA_PRIVATE: { type: 0x002, kind: "bool" },
  CKA_LABEL: { type: 0x003, kind: "bytes" },
  CKA_VALUE: { type: 0x011, kind: "bytes" },
  CKA_CERTIFICATE_TYPE: { type: 0x080, kind: "ulong" },
  CKA_ISSUER: { type: 0x081, kind: "bytes" },
  CKA_SERIAL_NUMBER: { type: 0x082, kind: "bytes" },
  CKA_KEY_TYPE: { type: 0x100, kind: "ulong" },
  CKA_SUBJECT: { type: 0x101, kind: "bytes" },
  CKA_ID: { type: 0x102, kind: "bytes" },
  CKA_SENSITIVE: { type: 0x103, kind: "bool" },
  CKA_DECRYPT: { type: 0x105, kind: "bool" },
  CKA_UNWRAP: { type: 0x107, kind: "bool" },
  CKA_SIGN: { type: 0x108, kind: "bool" },
  CKA_VERIFY: { type: 0x10a, kind: "bool" },
  CKA_MODULUS: { type: 0x120, kind: "bytes" },
  CKA_MODULUS_BITS: { type: 0x121, kind: "ulong" },
  CKA_PUBLIC_EXPONENT: { type: 0x122, kind: "bytes" },
  CKA_PRIVATE_EXPONENT: { type: 0x123, kind: "bytes" },
  CKA_PRIME_1: { type: 0x124, kind: "bytes" },
  CKA_PRIME_2: { type: 0x125, kind: "bytes" },
  CKA_EXPONENT_1: { type: 0x126, kind: "bytes" },
  CKA_EXPONENT_2: { type: 0x127, kind: "bytes" },
  CKA_COEFFICIENT: { type: 0x128, kind: "bytes" },
  CKA_PUBLIC_KEY_INFO: { type: 0x129, kind: "bytes" },
  CKA_VALUE_LEN: { type: 0x161, kind: "ulong" },
  CKA_EXTRACTABLE: { type: 0x162, kind: "bool" },
  CKA_LOCAL: { type: 0x163, kind: "bool" },
  CKA_NEVER_EXTRACTABLE: { type: 0x164, kind: "bool" },
  CKA_EC_PARAMS: { type: 0x180, kind: "bytes" },
  CKA_EC_POINT: { type: 0x181, kind: "bytes" },
  CKA_ALWAYS_AUTHENTICATE: { type: 0x202, kind: "bool" },
} as const;

type Table = typeof attributes;
interface KindTypes {
  ulong: number;
  bool: boolean;
  bytes: Uint8Array;
}

export type AttributeName = keyof Table;
type AttributeValue<N extends AttributeName> = KindTypes[Table[N]["kind"]];

/** What to search by, or to store. */
export type Template = { readonly [N in AttributeName]?: AttributeValue<N> };

/** What an object says; an attribute that it lacks or withholds is absent. */
export type Attributes<N extends AttributeName = AttributeName> = { readonly [K in N]?: AttributeValue<K> };

export interface NativeAttribute {
  readonly type: number;
  readonly value: number | boolean | Buffer;
}

export function attributeType(name: AttributeName): number {
  return attributes[name].type;
}

/** The template in the form of the binding. A value of another type than its attribute's is a TypeError. */
export function nativeTemplate(template: Template): NativeAttribute[] {
  return Object.entries(template).map(([name, value]) => {
    const row = Object.hasOwn(attributes, name) ? attributes[name as AttributeName] : undefined;
    if (row === undefined) throw new TypeError(`${name} is no attribute that is used here`);
    if (!isOfKind(row.kind, value)) throw new TypeError(`the value of ${name} is not of type ${row.kind}`);
    return { type: row.type, value: value instanceof Uint8Array ? Buffer.from(value) : value };
  });
}

/** The value that a module gave for an attribute; undefined where its length is not that of its type. */
export function decodeAttribute(
  name: AttributeName,
  value: Uint8Array,
): number | boolean | Uint8Array | undefined {
  const { kind } = attributes[name];
  if (kind === "bytes") return new Uint8Array(value);
  if (kind === "bool") return value.length === 1 ? value[0] !== 0 : undefined;
  const number = ulong(value);
  return number === undefined ? undefined : Number(number);
}

function isOfKind(kind: keyof KindTypes, value: unknown): value is number | boolean | Uint8Array {
  if (kind === "bytes") return value instanceof Uint8Array;
  if (kind === "bool") return typeof value === "boolean";
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
