import { displayText, utf8Text } from "../host.ts";
import { derShape } from "./der-shape.ts";
import type { PemBlock } from "./pem.ts";

/** What a text is that should have held a certificate or a CRL in PEM, and what turns it into that. */
export interface Instead {
  /** A noun phrase: `a certificate in DER`. Nothing of the content is quoted: it may be a key. */
  readonly found: string;
  readonly hint?: string;
}

/** Looks at bytes without a PEM block of the kind wanted. */
export function describeInstead(
  text: string | Uint8Array,
  blocks: readonly PemBlock[],
  wanted: "certificate" | "revocation list",
): Instead {
  if (blocks.length > 0) return describeBlocks(blocks, wanted);
  if (text.length === 0) return { found: "empty" };
  if (typeof text !== "string") {
    const shape = derShape(text);
    if (shape !== undefined) return DER_FORMS[shape];
    if (isUtf16(text)) {
      return {
        found: "text in UTF-16",
        hint: "Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > FILE.pem`.",
      };
    }
    if (text[0] === 0x30 && (text[1] ?? 0) >= 0x80) {
      return { found: "DER or BER that is cut off, damaged or of a kind that is not known" };
    }
    if (utf8Text(text) === undefined || text.includes(0)) {
      return { found: "binary data of a kind that is not known", hint: "Name a PEM file." };
    }
  }
  const head = (typeof text === "string" ? text.slice(0, HEAD) : displayText(text.subarray(0, HEAD)))
    .replace(/^\ufeff/, "")
    .trim();
  return TEXTS.find(({ pattern }) => pattern.test(head)) ?? { found: "text of another kind" };
}

const HEAD = 4096;

function describeBlocks(blocks: readonly PemBlock[], wanted: string): Instead {
  const labels = [...new Set(blocks.map((block) => block.label))];
  if (labels.every((label) => label.endsWith("PRIVATE KEY") || label === "EC PARAMETERS")) {
    return { found: "a private key only", hint: `Name the file of the ${wanted} that belongs to it.` };
  }
  return (
    PEM_FORMS[labels.length === 1 ? (ALIASES[labels[0] ?? ""] ?? labels[0] ?? "") : ""] ?? {
      found: `PEM of another kind (${labels.slice(0, 5).join(", ")})`,
    }
  );
}

const PEM_FORMS: Readonly<Record<string, Instead>> = {
  "CERTIFICATE REQUEST": {
    found: "a certificate signing request (PKCS#10)",
    hint: "Have the CA issue a certificate from it, and name that one.",
  },
  "TRUSTED CERTIFICATE": {
    found: "a certificate with trust settings of OpenSSL (TRUSTED CERTIFICATE)",
    hint: "Convert it: `openssl x509 -in FILE -out FILE.pem`.",
  },
  "PUBLIC KEY": { found: "a public key only", hint: "Name the certificate that holds this key." },
  PKCS7: {
    found: "a PKCS#7 container in PEM",
    hint: "Convert it: `openssl pkcs7 -print_certs -in FILE -out FILE.pem`.",
  },
  CERTIFICATE: { found: "a certificate", hint: "Name the file of the revocation list." },
  "X509 CRL": { found: "a revocation list", hint: "Name the file of the certificate." },
};

const ALIASES: Readonly<Record<string, string>> = {
  "NEW CERTIFICATE REQUEST": "CERTIFICATE REQUEST",
  CMS: "PKCS7",
};

const DER_FORMS = {
  certificate: {
    found: "a certificate in DER",
    hint: "Convert it: `openssl x509 -inform DER -in FILE -out FILE.pem`.",
  },
  crl: {
    found: "a revocation list in DER",
    hint: "Convert it: `openssl crl -inform DER -in FILE -out FILE.pem`.",
  },
  request: {
    found: "a certificate signing request (PKCS#10) in DER",
    hint: "Have the CA issue a certificate from it, and name that one.",
  },
  pkcs12: {
    found: "a PKCS#12 container",
    hint: "Convert it: `openssl pkcs12 -in FILE -nokeys -out FILE.pem`.",
  },
  pkcs7: {
    found: "a PKCS#7 container in DER",
    hint: "Convert it: `openssl pkcs7 -inform DER -print_certs -in FILE -out FILE.pem`.",
  },
  privateKey: {
    found: "a private key in DER",
    hint: "Name the file of the certificate that belongs to it.",
  },
  publicKey: { found: "a public key in DER", hint: "Name the certificate that holds this key." },
} as const satisfies Record<string, Instead>;

const TEXTS: readonly (Instead & { readonly pattern: RegExp })[] = [
  {
    pattern: /^-----BEGIN |\n[ \t]+-----BEGIN /,
    found: "PEM whose lines are indented",
    hint: "Remove the blanks before -----BEGIN.",
  },
  {
    pattern: /\\n|%0A/i,
    found: "text whose line breaks are written as escapes",
    hint: "Write real line breaks between BEGIN, content and END.",
  },
  {
    pattern: /^pkcs11:/i,
    found: "a pkcs11: URI",
    hint: "Give the URI itself as the value of the property, not a file that holds it.",
  },
  { pattern: /^(?:file|data):/i, found: "a URI", hint: "Give the URI itself as the value of the property." },
  {
    pattern: /^(?:<!doctype html|<html)/i,
    found: "an HTML page",
    hint: "The download was answered by a web page; fetch the file itself.",
  },
  { pattern: /^</, found: "XML", hint: "Name the certificate file; this one may be a configuration." },
  {
    pattern: /^(?:mime-version|content-type|subject|from|to):/i,
    found: "an S/MIME document",
    hint: "Name the certificate file; this one may be a signed Governance or Permissions document.",
  },
  { pattern: /^(?:ssh-|ecdsa-sha2-)/, found: "an OpenSSH public key", hint: "Name an X.509 certificate." },
  { pattern: /^[[{]/, found: "JSON", hint: "Name the certificate file." },
  {
    pattern: /^MI[A-Za-z0-9+/=\s]+$/,
    found: "base64 without the BEGIN and END lines",
    hint: "Put -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- behind.",
  },
];

/** A byte order mark, or every second byte of the start zero. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const head = bytes.subarray(0, 64);
  const zeros = (parity: number) => head.every((octet, at) => at % 2 !== parity || octet === 0);
  return head.length >= 4 && zeros(0) !== zeros(1);
}
