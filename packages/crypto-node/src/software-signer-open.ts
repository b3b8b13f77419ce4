import { createPrivateKey, type KeyObject } from "node:crypto";
import { type DerNode, DerTag, derOid, derSmallInteger, type Secret } from "@ddscred/core";
import type { PrivateKeyBlock } from "./software-signer-block.ts";

/**
 * Decrypts and decodes. A wrong passphrase and a damaged ciphertext cannot be told apart: both are
 * `PASSPHRASE_INCORRECT`.
 */
export function openPrivateKey(block: PrivateKeyBlock, passphrase: Secret | undefined): KeyObject {
  if (!block.encrypted) return decode(block, {});
  if (passphrase === undefined) {
    throw block.fail("PASSPHRASE_REQUIRED", "the private key is encrypted and no passphrase was given");
  }
  if (block.encryptedInfo !== undefined)
    refuseCostly(block.encryptedInfo.der, block.encryptedInfo.root, block.fail);
  const bytes = Buffer.from(passphrase.reveal(), "utf8");
  try {
    return decode(block, { passphrase: bytes });
  } finally {
    bytes.fill(0);
  }
}

function decode(block: PrivateKeyBlock, options: { passphrase?: Buffer }): KeyObject {
  try {
    return createPrivateKey({ key: block.pem, format: "pem", ...options });
  } catch (error) {
    throw explain(block, error as OpenSslError);
  }
}

/** What node:crypto throws: names and numbers of OpenSSL's reasons, never data. */
interface OpenSslError extends Error {
  readonly code?: string;
  readonly opensslErrorStack?: readonly string[];
}

function explain(block: PrivateKeyBlock, cause: OpenSslError) {
  const { code = "" } = cause;
  if (/unknown group|unsupported (private key )?algorithm/.test(cause.opensslErrorStack?.join() ?? "")) {
    return block.fail(
      "KEY_UNSUPPORTED",
      "the key is of an algorithm or a curve that node:crypto does not know",
      { cause },
    );
  }
  if (!block.encrypted) return block.fail("KEY_INVALID", "the private key does not decode", { cause });
  if (code === "ERR_OSSL_EVP_UNSUPPORTED" || code === "ERR_OSSL_PEM_UNSUPPORTED_ENCRYPTION") {
    return block.fail(
      "KEY_UNSUPPORTED",
      "the private key is encrypted with a cipher that node:crypto does not have",
      {
        cause,
        hint: `${ENCRYPT_ANEW} An old cipher needs \`-provider legacy -provider default\` besides.`,
      },
    );
  }
  if (/^ERR_OSSL_PEM_(NOT|BAD_IV|MISSING|UNEXPECTED|SHORT|INCONSISTENT)/.test(code)) {
    return block.fail("KEY_INVALID", "the headers of the encrypted private key are damaged", { cause });
  }
  return block.fail("PASSPHRASE_INCORRECT", "the passphrase does not open the private key", { cause });
}

/** A file decides how long its passphrase takes to check; these are about two seconds of it. */
const MAX_ITERATIONS = 5_000_000;
const MAX_SCRYPT_WORK = 2 ** 23;

/** RFC 8018 A.2, A.3, A.4 and RFC 7914 7: the iteration count of PBKDF2 and PBES1; N, r and p of scrypt. */
function refuseCostly(der: Uint8Array, root: DerNode, fail: PrivateKeyBlock["fail"]): void {
  const outer = algorithmOf(der, root.children[0]);
  const { oid, parameters } = outer.oid === PBES2 ? algorithmOf(der, outer.parameters[0]) : outer;
  const numbers = parameters
    .filter((parameter) => parameter.identifier === DerTag.INTEGER)
    .map((parameter) => derSmallInteger(der, parameter) ?? Number.POSITIVE_INFINITY);
  const scrypt = oid === SCRYPT;
  const work = scrypt
    ? numbers.slice(0, 3).reduce((product, factor) => product * factor, 1)
    : (numbers[0] ?? 0);
  if (!(work >= 1)) throw fail("KEY_INVALID", "the encryption of the private key has no iteration count");
  if (work <= (scrypt ? MAX_SCRYPT_WORK : MAX_ITERATIONS)) return;
  const cost = scrypt
    ? `scrypt with N*r*p above ${MAX_SCRYPT_WORK}`
    : `more than ${MAX_ITERATIONS} iterations`;
  throw fail("KEY_UNSUPPORTED", `opening the private key takes ${cost}`, { hint: ENCRYPT_ANEW });
}

function algorithmOf(der: Uint8Array, node: DerNode | undefined) {
  const [oid, parameters] = node?.children ?? [];
  const known = oid?.identifier === DerTag.OBJECT_IDENTIFIER;
  return { oid: known ? derOid(der, oid) : undefined, parameters: parameters?.children ?? [] };
}

const PBES2 = "1.2.840.113549.1.5.13";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const ENCRYPT_ANEW = "Encrypt it anew: `openssl pkcs8 -topk8 -in KEY -out NEW`.";
