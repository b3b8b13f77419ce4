import { type KeyProtection, parsePublicKeyInfo, type StoredKeyPair } from "@ddscred/core";
import type { Arguments } from "../options.ts";
import { type Answer, nextCommand } from "./answer.ts";

/** What there is to know of a key pair that was just stored. */
export function keyAnswer(args: Arguments, done: string, made: StoredKeyPair, risk?: string): Answer {
  const { uri, publicKeyUri, publicKey, protection, schemes } = made;
  const { label } = parsePublicKeyInfo(publicKey);
  const subject = "CN=NAME,O=ORGANISATION";
  return {
    done,
    what: `${label} key pair`,
    rows: [
      ["private", uri],
      ["public", publicKeyUri],
      ["token says", said(protection, done)],
      ["proved", "a signature was made on the token and verified here"],
    ],
    ...(risk === undefined ? {} : { risk }),
    next: [nextCommand(args, "csr", "--key", uri, "--subject", subject, "--out", "NAME.csr")],
    json: {
      uri,
      publicKeyUri,
      key: label,
      schemes: schemes.map(({ name }) => name),
      protection,
      signatureVerified: true,
    },
  };
}

/** Of a key that the token was told to make, `local` is what some modules do not set. */
function said({ sensitive, neverExtractable, local }: KeyProtection, done: string): string {
  const elsewhere =
    done === "made"
      ? "not that it was made there (CKA_LOCAL), which this module does not set"
      : "not made on the token";
  const facts = [
    sensitive && "sensitive",
    neverExtractable === undefined
      ? undefined
      : neverExtractable
        ? "never extractable"
        : "not extractable from now on",
    local === undefined ? undefined : local ? "made on the token" : elsewhere,
  ].filter((fact) => typeof fact === "string");
  return facts.length === 0 ? "nothing" : facts.join(", ");
}
