import { formatName, parseCertificate } from "@ddscred/core";
import { uriOf } from "../../input.ts";
import type { Verb } from "../../main.ts";
import { readArguments, readFormat } from "../../options.ts";
import { tokenOptions, tokenUsage } from "../../pin/options.ts";
import { answering, nextCommand } from "../../provisioning/answer.ts";
import { needed, oneTokenUri, withTokens } from "../../provisioning/on-token.ts";

const usage = `Usage: ddscred cert import URI --cert FILE|URI [--without-key] [OPTIONS]

Stores a certificate on a token, beside its private key: that key is found by
its public half, and the certificate gets its id (CKA_ID), so that both are
found together. A CA's certificate needs no key there.

  URI                   names the token, and by object= the label of the
                        certificate; default: the label of its key
  --cert FILE|URI       the certificate: a path, file:, data: or pkcs11:; the
                        first one where there are several
  --without-key         store it also where its private key is not
${tokenUsage}
  --format text|json    default text

Exit status: 0 stored, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred cert import 'pkcs11:token=HSM;object=alice' --cert alice.pem
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    cert: { type: "string" },
    "without-key": { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const from = uriOf(needed(args, "cert", "which certificate"));
  const uri = oneTokenUri(args);
  const withoutKey = args.flag("without-key");
  return await answering(format, () =>
    withTokens(args, async ({ resolver, tokens }) => {
      const [certificate] = await resolver.certificates(from);
      const der = certificate?.der ?? new Uint8Array();
      const stored = await tokens.importCertificate(uri, der, { withoutKey });
      const { subject, publicKey, notAfter } = parseCertificate(der);
      const name = formatName(subject);
      return {
        done: "stored",
        what: `certificate of ${name}`,
        rows: [
          ["certificate", stored.uri],
          ["private key", stored.privateKeyUri ?? "not on the token"],
          ["key", publicKey.label],
          ["until", notAfter.toISOString().slice(0, 10)],
        ],
        next: [nextCommand(args, "ls", stored.uri)],
        json: { ...stored, subject: name, key: publicKey.label, notAfter: notAfter.toISOString() },
      };
    }),
  );
}
