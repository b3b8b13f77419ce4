import { readPinSource } from "@ddscred/backend-pkcs11";
import { CredentialError } from "@ddscred/core";
import { exportPrivateKey } from "@ddscred/crypto-node";
import { UsageError } from "../../exit.ts";
import { uriOf } from "../../input.ts";
import type { Verb } from "../../main.ts";
import { type Arguments, readArguments, readFormat } from "../../options.ts";
import { tokenOptions, tokenUsage } from "../../pin/options.ts";
import { answering } from "../../provisioning/answer.ts";
import { readInput } from "../../provisioning/files.ts";
import { keyAnswer } from "../../provisioning/key-answer.ts";
import { needed, oneTokenUri, withTokens } from "../../provisioning/on-token.ts";

const usage = `Usage: ddscred key import URI --key FILE --accept-exposed-key [OPTIONS]

Stores a private key that was made elsewhere on a token. A risk: whoever had the
file, a copy or a backup of it has the key, whatever the token does with it from
now on. A key that is made on the token has no such past: ddscred key generate.

  URI                   names the token, and by object= the label of the key
  --key FILE            the key: PEM or DER, a path, file: or data:
  --passphrase-source SOURCE
                        where the passphrase of an encrypted key is: file:PATH,
                        env:NAME, fd:NUMBER or systemd:NAME
  --accept-exposed-key  the key was in a file, and you accept what that means
${tokenUsage}
  --format text|json    default text

Exit status: 0 stored, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred key import 'pkcs11:token=HSM;object=alice' --key alice.key \\
    --accept-exposed-key
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    key: { type: "string" },
    "passphrase-source": { type: "string" },
    "accept-exposed-key": { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const uri = oneTokenUri(args);
  const file = needed(args, "key", "which key");
  if (!args.flag("accept-exposed-key")) {
    throw new UsageError(
      `a key that was in a file may have copies; make one on the token (ddscred key generate), or add --accept-exposed-key`,
    );
  }
  return await answering(format, async () => {
    const pkcs8 = await readKey(file, args);
    return await withTokens(args, async ({ tokens }) =>
      keyAnswer(args, "imported", await tokens.importPrivateKey(uri, pkcs8), RISK),
    );
  });
}

async function readKey(file: string, args: Arguments): Promise<Uint8Array> {
  const source = args.text("passphrase-source");
  const passphrase = source === undefined ? undefined : await readPinSource(source);
  const uri = uriOf(file);
  try {
    const options = { uri, ...(passphrase === undefined ? {} : { passphrase }) };
    return exportPrivateKey(await readInput(file), options);
  } catch (error) {
    if (!(error instanceof CredentialError) || error.code !== "PASSPHRASE_REQUIRED") throw error;
    throw new CredentialError("PASSPHRASE_REQUIRED", error.message, {
      uri,
      hint: "Say where the passphrase is: --passphrase-source file:PATH.",
    });
  }
}

const RISK =
  "the key was in a file: whoever had the file or a copy has the key. Remove the file and its copies, or better, make a new key on the token.";
