import type { NewKeyType } from "@ddscred/core";
import { UsageError } from "../../exit.ts";
import type { Verb } from "../../main.ts";
import { type Arguments, readArguments, readFormat } from "../../options.ts";
import { tokenOptions, tokenUsage } from "../../pin/options.ts";
import { answering } from "../../provisioning/answer.ts";
import { keyAnswer } from "../../provisioning/key-answer.ts";
import { oneTokenUri, tellProgress, withTokens } from "../../provisioning/on-token.ts";

const usage = `Usage: ddscred key generate URI [--type TYPE] [OPTIONS]

Makes a key pair on a token. The private key is made there, can sign, and never
leaves: it is sensitive and not extractable. A signature is made and verified
before the URIs are printed; where anything fails, nothing is left behind.

  URI                   names the token, and by object= the label of the new
                        key; id= too where the token wants a certain one, as
                        PIV cards do. An id that is not given is made up
  --type TYPE           ec-p256 (the default), ec-p384, rsa-2048, rsa-3072 or
                        rsa-4096. All implementations of DDS take ec-p256 and
                        rsa-2048
${tokenUsage}
  --format text|json    default text

Exit status: 0 made, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred key generate 'pkcs11:token=HSM;object=alice'
  ddscred key generate 'pkcs11:token=HSM;object=ca' --type rsa-3072 \\
    --pin-source file:/run/secrets/pin
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    type: { type: "string" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const uri = oneTokenUri(args);
  const keyType = readType(args);
  return await answering(format, () =>
    withTokens(args, async ({ tokens }) => {
      if (keyType.startsWith("rsa")) tellProgress("making the key; on a card, RSA takes a minute ...");
      return keyAnswer(args, "made", await tokens.generateKeyPair(uri, { keyType }));
    }),
  );
}

function readType(args: Arguments): NewKeyType {
  const type = args.text("type") ?? "ec-p256";
  const known = types.find((one) => one === type);
  if (known === undefined) throw new UsageError(`--type is one of ${types.join(", ")}`);
  return known;
}

const types: readonly NewKeyType[] = ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"];
