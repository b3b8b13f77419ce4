import { formatName, issueCertificate, parseCertificate, readCertificateRequest } from "@ddscred/core";
import { UsageError } from "../../exit.ts";
import { uriOf } from "../../input.ts";
import type { Verb } from "../../main.ts";
import { type Arguments, readArguments, readFormat } from "../../options.ts";
import { tokenOptions, tokenUsage } from "../../pin/options.ts";
import { answering, nextCommand } from "../../provisioning/answer.ts";
import { readDerInput, writePem } from "../../provisioning/files.ts";
import { needed, withTokens } from "../../provisioning/on-token.ts";
import { outputPath } from "../../provisioning/output.ts";

const usage = `Usage: ddscred cert issue --csr FILE --ca-key URI --ca-cert URI --days N
       ddscred cert issue --csr FILE --ca-key URI --ca --days N

Issues a certificate for a request, with the CA's key wherever it is. The
certificate has what all implementations of DDS accept: version 3, a random
serial number, basicConstraints, keyUsage, key identifiers. Its subject is the
request's; what else the request asks for is passed over.

  --csr FILE            the certification request; its signature is verified
  --ca-key URI          the CA's private key: pkcs11:, file: or a path
  --ca-cert URI         the CA's certificate. Without it, the certificate is
                        issued by its own key: a root CA, with --ca
  --days N              how long it is valid, from now on
  --ca                  it is a CA's: identity CA or permissions CA
  --out FILE            where to write the PEM; default: standard output. A file
                        that is there is not overwritten
${tokenUsage}
  --format text|json    default text

Exit status: 0 issued, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred cert issue --csr ca.csr --ca-key 'pkcs11:token=CA;object=ca' --ca \\
    --days 3650 --out ca.pem
  ddscred cert issue --csr alice.csr --ca-key 'pkcs11:token=CA;object=ca' \\
    --ca-cert ca.pem --days 365 --out alice.pem
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    csr: { type: "string" },
    "ca-key": { type: "string" },
    "ca-cert": { type: "string" },
    days: { type: "string" },
    ca: { type: "boolean" },
    out: { type: "string" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  if (args.positionals.length > 0) throw new UsageError("give the request as --csr FILE");
  const csr = needed(args, "csr", "which request");
  const caKey = uriOf(needed(args, "ca-key", "whose key signs"));
  const caCertificate = args.text("ca-cert");
  const days = readDays(args);
  const ca = args.flag("ca");
  if (caCertificate === undefined && !ca)
    throw new UsageError("say who issues it: --ca-cert; or --ca for a root");
  const named = args.text("out");
  const out = named === undefined ? undefined : outputPath(named);
  return await answering(format, () =>
    withTokens(args, async ({ resolver, crypto }) => {
      const request = await readCertificateRequest(await readDerInput(csr, "CERTIFICATE REQUEST"), crypto);
      const [issuer] = caCertificate === undefined ? [] : await resolver.certificates(uriOf(caCertificate));
      const signer = await resolver.signer(caKey);
      const now = Date.now();
      const wanted = {
        subject: request.subject,
        publicKey: request.publicKey.spki,
        ca,
        notBefore: new Date(now - CLOCKS_DIFFER),
        notAfter: new Date(now + days * DAY),
        ...(issuer === undefined ? {} : { issuer }),
      };
      const der = await issueCertificate(wanted, signer, crypto);
      const pem = await writePem(out, "CERTIFICATE", der);
      if (out === undefined && format === "text") return { text: pem };
      const { subject, serialNumber, notBefore, notAfter, publicKey } = parseCertificate(der);
      const facts = {
        subject: formatName(subject),
        issuer: formatName(issuer?.subject ?? subject),
        serialNumber: Buffer.from(serialNumber).toString("hex"),
        key: publicKey.label,
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
      };
      return {
        done: "issued",
        what: out ?? facts.subject,
        rows: Object.entries(facts),
        next: [
          nextCommand(args, "cert", "import", "pkcs11:token=TOKEN;object=LABEL", "--cert", out ?? "FILE"),
        ],
        json: { ...facts, ca, out, pem },
      };
    }),
  );
}

function readDays(args: Arguments): number {
  const days = needed(args, "days", "for how long");
  if (/^[1-9]\d{0,4}$/.test(days) && Number(days) <= MAX_DAYS) return Number(days);
  throw new UsageError(`--days is a number from 1 to ${MAX_DAYS}`);
}

const DAY = 86_400_000;
/** Milliseconds by which the clocks of participants may be behind. */
const CLOCKS_DIFFER = 300_000;
/** A century. */
const MAX_DAYS = 36_525;
