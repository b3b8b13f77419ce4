import {
  formatName,
  makeCertificateRequest,
  nameDer,
  nameFromText,
  parseName,
  parsePublicKeyInfo,
} from "@ddscred/core";
import { UsageError } from "../exit.ts";
import { uriOf } from "../input.ts";
import type { Verb } from "../main.ts";
import { readArguments, readFormat } from "../options.ts";
import { tokenOptions, tokenUsage } from "../pin/options.ts";
import { answering, nextCommand } from "../provisioning/answer.ts";
import { writePem } from "../provisioning/files.ts";
import { needed, withTokens } from "../provisioning/on-token.ts";
import { outputPath } from "../provisioning/output.ts";

const usage = `Usage: ddscred csr --key URI --subject NAME [--out FILE] [OPTIONS]

Asks for a certificate: writes a certification request (PKCS#10, RFC 2986) for a
key, signed by it on its token.

  --key URI             the private key: pkcs11:, file: or a path
  --subject NAME        who it is for: CN=alice,O=Example or /O=Example/CN=alice
  --out FILE            where to write the PEM; default: standard output. A file
                        that is there is not overwritten
${tokenUsage}
  --format text|json    default text

Exit status: 0 written, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred csr --key 'pkcs11:token=HSM;object=alice;type=private' \\
    --subject CN=alice,O=Example --out alice.csr
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    key: { type: "string" },
    subject: { type: "string" },
    out: { type: "string" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  if (args.positionals.length > 0) throw new UsageError("give the key as --key URI");
  const key = uriOf(needed(args, "key", "which key"));
  const subject = nameFromText(needed(args, "subject", "who it is for"));
  const named = args.text("out");
  const out = named === undefined ? undefined : outputPath(named);
  return await answering(format, () =>
    withTokens(args, async ({ resolver }) => {
      const name = formatName(parseName(nameDer(subject)));
      const signer = await resolver.signer(key);
      const pem = await writePem(out, LABEL, await makeCertificateRequest(subject, signer));
      const { label } = parsePublicKeyInfo(signer.publicKey);
      if (out === undefined && format === "text") return { text: pem };
      return {
        done: "written",
        what: out ?? "request",
        rows: [
          ["subject", name],
          ["key", label],
          ["for a root CA", "cert issue with --ca --ca-key URI, without --ca-cert"],
        ],
        next: [
          nextCommand(
            args,
            "cert",
            "issue",
            "--csr",
            out ?? "FILE",
            "--ca-cert",
            "URI",
            "--ca-key",
            "URI",
            "--days",
            "365",
          ),
        ],
        json: { subject: name, key: label, out, pem },
      };
    }),
  );
}

const LABEL = "CERTIFICATE REQUEST";
