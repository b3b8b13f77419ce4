import { createPrivateKey } from "node:crypto";

/** An object to be put on a token: attributes by number; bytes as hex. */
export type TokenObjectSpec = readonly { type: number; value: number | boolean | { hex: string } }[];

export interface ObjectOptions {
  /** Bytes where it is to be no UTF-8. */
  readonly label?: string | Uint8Array;
  readonly id?: string;
  readonly sign?: boolean;
  readonly private?: boolean;
  readonly extractable?: boolean;
  readonly sensitive?: boolean;
  readonly alwaysAuthenticate?: boolean;
}

const hex = (bytes: Uint8Array | string) => ({ hex: Buffer.from(bytes).toString("hex") });
const base64 = (text: string | undefined) => ({ hex: Buffer.from(text ?? "", "base64url").toString("hex") });
const naming = ({ label, id }: ObjectOptions): TokenObjectSpec => [
  ...(label === undefined ? [] : [{ type: CKA_LABEL, value: hex(label) }]),
  ...(id === undefined ? [] : [{ type: CKA_ID, value: { hex: id } }]),
];

/** A private key object out of a PEM or DER of PKCS#8. */
export function privateKeyObject(pkcs8: Uint8Array | string, options: ObjectOptions = {}): TokenObjectSpec {
  const key =
    typeof pkcs8 === "string"
      ? createPrivateKey(pkcs8)
      : createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  const jwk = key.export({ format: "jwk" });
  const material =
    jwk.kty === "RSA"
      ? rsaParts.map(([type, name]) => ({ type, value: base64(jwk[name] as string) }))
      : [
          { type: CKA_EC_PARAMS, value: { hex: curves[jwk.crv ?? ""] ?? "" } },
          { type: CKA_VALUE, value: base64(jwk.d) },
        ];
  return [
    { type: CKA_CLASS, value: 3 },
    { type: CKA_KEY_TYPE, value: jwk.kty === "RSA" ? 0 : 3 },
    { type: CKA_TOKEN, value: true },
    { type: CKA_PRIVATE, value: options.private ?? true },
    { type: CKA_SENSITIVE, value: options.sensitive ?? true },
    { type: CKA_EXTRACTABLE, value: options.extractable ?? false },
    { type: CKA_SIGN, value: options.sign ?? true },
    ...(options.alwaysAuthenticate === true ? [{ type: CKA_ALWAYS_AUTHENTICATE, value: true }] : []),
    ...naming(options),
    ...material,
  ];
}

/** A public EC key object; the point as given, wrapped or not. */
export function ecPublicKeyObject(
  curve: string,
  point: Uint8Array,
  options: ObjectOptions = {},
): TokenObjectSpec {
  return [
    { type: CKA_CLASS, value: 2 },
    { type: CKA_KEY_TYPE, value: 3 },
    { type: CKA_TOKEN, value: true },
    { type: CKA_PRIVATE, value: false },
    { type: CKA_EC_PARAMS, value: { hex: curves[curve] ?? "" } },
    { type: CKA_EC_POINT, value: hex(point) },
    ...naming(options),
  ];
}

export function certificateObject(der: Uint8Array, options: ObjectOptions = {}): TokenObjectSpec {
  return [
    { type: CKA_CLASS, value: 1 },
    { type: CKA_CERTIFICATE_TYPE, value: 0 },
    { type: CKA_TOKEN, value: true },
    { type: CKA_PRIVATE, value: options.private ?? false },
    { type: CKA_SUBJECT, value: hex("subject") },
    { type: CKA_VALUE, value: hex(der) },
    ...naming(options),
  ];
}

export function dataObject(options: ObjectOptions = {}): TokenObjectSpec {
  return [
    { type: CKA_CLASS, value: 0 },
    { type: CKA_TOKEN, value: true },
    { type: CKA_PRIVATE, value: false },
    { type: CKA_VALUE, value: hex("data") },
    ...naming(options.label === undefined ? {} : { label: options.label }),
  ];
}

export function secretKeyObject(options: ObjectOptions = {}): TokenObjectSpec {
  return [
    { type: CKA_CLASS, value: 4 },
    { type: CKA_KEY_TYPE, value: 0x1f },
    { type: CKA_TOKEN, value: true },
    { type: CKA_PRIVATE, value: true },
    { type: CKA_SENSITIVE, value: true },
    { type: CKA_EXTRACTABLE, value: false },
    { type: CKA_VALUE, value: hex(new Uint8Array(32).fill(5)) },
    ...naming(options),
  ];
}

const CKA_CLASS = 0;
const CKA_TOKEN = 1;
const CKA_PRIVATE = 2;
const CKA_LABEL = 3;
const CKA_VALUE = 0x11;
const CKA_CERTIFICATE_TYPE = 0x80;
const CKA_KEY_TYPE = 0x100;
const CKA_SUBJECT = 0x101;
const CKA_ID = 0x102;
const CKA_SENSITIVE = 0x103;
const CKA_SIGN = 0x108;
const CKA_EXTRACTABLE = 0x162;
const CKA_EC_PARAMS = 0x180;
const CKA_EC_POINT = 0x181;
const CKA_ALWAYS_AUTHENTICATE = 0x202;

const rsaParts = [
  [0x120, "n"],
  [0x122, "e"],
  [0x123, "d"],
  [0x124, "p"],
  [0x125, "q"],
  [0x126, "dp"],
  [0x127, "dq"],
  [0x128, "qi"],
] as const;

const curves: Readonly<Record<string, string>> = {
  "P-256": "06082a8648ce3d030107",
  "P-384": "06052b81040022",
  "P-521": "06052b81040023",
  secp256k1: "06052b8104000a",
};
