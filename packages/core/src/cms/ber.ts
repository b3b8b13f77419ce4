import { CredentialError } from "../errors/credential-error.ts";

/**
 * Gives the indefinite lengths of a BER text definite ones. Streaming signers (`openssl smime -sign -stream
 * -nodetach`) write the outer layers of a SignedData so, and its content as a chain of octet strings (X.690
 * 8.1.3.6, 8.7.3.2). What has a definite length is copied as it is: certificates and signed attributes are
 * never rewritten, and the strict DER check that follows sees them as they came.
 *
 * @returns the same bytes where the outermost length is definite
 * @throws CredentialError `CMS_INVALID`
 */
export function withDefiniteLengths(ber: Uint8Array): Uint8Array {
  if (ber[1] !== INDEFINITE) return ber;
  const { encoded, end } = rewrite(ber, 0, 1);
  if (end !== ber.length) throw broken(end, "bytes follow its end");
  return encoded;
}

interface Rewritten {
  readonly encoded: Uint8Array;
  /** Behind the element in the source. */
  readonly end: number;
}

function rewrite(ber: Uint8Array, start: number, depth: number): Rewritten {
  if (depth > MAX_DEPTH) throw broken(start, "indefinite lengths are nested too deep");
  const identifier = ber[start];
  if (identifier === undefined || (identifier & 0x1f) === 0x1f)
    throw broken(start, "no known element is here");
  if (ber[start + 1] !== INDEFINITE) {
    const end = definiteEnd(ber, start);
    return { encoded: ber.subarray(start, end), end };
  }
  if ((identifier & 0x20) === 0) throw broken(start, "a primitive has an indefinite length");
  const octetString = identifier === CONSTRUCTED_OCTETS;
  const parts: Uint8Array[] = [];
  let at = start + 2;
  while (ber[at] !== 0 || ber[at + 1] !== 0) {
    const child = rewrite(ber, at, depth + 1);
    if (parts.length >= MAX_PARTS) throw broken(at, `there are more than ${MAX_PARTS} parts`);
    parts.push(octetString ? segment(child.encoded, at) : child.encoded);
    at = child.end;
  }
  return { encoded: element(octetString ? 0x04 : identifier, parts), end: at + 2 };
}

/** End of an element of definite length. */
function definiteEnd(ber: Uint8Array, start: number): number {
  const end = contentStart(ber, start) + contentLength(ber, start);
  if (!(end <= ber.length)) throw broken(start, "an element is cut off");
  return end;
}

function contentStart(ber: Uint8Array, start: number): number {
  const first = ber[start + 1] ?? 0;
  return start + 2 + (first > 0x80 ? first & 0x7f : 0);
}

function contentLength(ber: Uint8Array, start: number): number {
  const first = ber[start + 1];
  if (first === undefined || first > 0x84) throw broken(start, "an element is cut off");
  if (first < 0x80) return first;
  return ber.subarray(start + 2, contentStart(ber, start)).reduce((n, octet) => n * 256 + octet, 0);
}

/** Content of one octet string of a chain. */
function segment(encoded: Uint8Array, at: number): Uint8Array {
  if (encoded[0] !== 0x04) throw broken(at, "a chain of octet strings holds something else");
  return encoded.subarray(contentStart(encoded, 0));
}

function element(identifier: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const lengthOctets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthOctets.unshift(rest % 256);
  const header =
    length < 0x80 ? [identifier, length] : [identifier, 0x80 | lengthOctets.length, ...lengthOctets];
  const encoded = new Uint8Array(header.length + length);
  encoded.set(header);
  let at = header.length;
  for (const part of parts) {
    encoded.set(part, at);
    at += part.length;
  }
  return encoded;
}

function broken(position: number, problem: string): CredentialError {
  const message = `the PKCS#7 signature cannot be decoded at byte ${position}: ${problem}`;
  return new CredentialError("CMS_INVALID", message, { position, section: "X.690 8.1.3" });
}

const INDEFINITE = 0x80;
const CONSTRUCTED_OCTETS = 0x24;
/** A SignedData has five such layers around its content. */
const MAX_DEPTH = 8;
/** A document of 16 MiB in segments of 1 KiB. */
const MAX_PARTS = 16_384;
