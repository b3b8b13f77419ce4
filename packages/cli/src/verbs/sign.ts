import { resolve } from "node:path";
import {
  CredentialError,
  formatName,
  redactUri,
  type SignedDocument,
  signatureSchemes,
  signDocument,
} from "@ddscred/core";
import { type Finding, findingFromError } from "@ddscred/dds-security";
import { judgeCa, refusalFindings, signatureFindings } from "../documents/judge.ts";
import { firstOf } from "../documents/open.ts";
import { renderFacts, renderFindings } from "../documents/render.ts";
import { readToSign } from "../documents/to-sign.ts";
import { EXIT, UsageError } from "../exit.ts";
import { pathOf, uriOf } from "../input.ts";
import type { Verb } from "../main.ts";
import { type Arguments, readArguments, readFormat, readMoment } from "../options.ts";
import { tokenOptions, tokenUsage, tokenWiring } from "../pin/options.ts";
import { writeAtOnce } from "../provisioning/files.ts";
import { outputPath } from "../provisioning/output.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { brief, LABEL, type Style, styleOf } from "../terminal/style.ts";
import { wire } from "../wiring.ts";

const usage = `Usage: ddscred sign [OPTIONS] FILE --key URI --cert URI

Signs a Governance or Permissions document with the permissions CA's key,
wherever it is, so that every implementation reads it. The document is judged
before, and the signature is verified after.

  FILE                  the XML; with --resign a signed document (.p7s)
  --key URI             the permissions CA's private key: file: or pkcs11:
  --cert URI            its certificate: file:, data: or pkcs11:, or a path
  --out FILE            where to write; default: FILE with .p7s for .xml;
                        - is standard output. A file that is there is replaced
  --resign              FILE is a signed document: verify it, and sign its text
                        again
  --ca URI              with --resign: who signed it before; default: --cert
  --pss                 RSASSA-PSS in place of RSASSA-PKCS1-v1_5; Cyclone DDS
                        and Fast DDS do not read it
  --at TIME             the signing time to write; default: now
  --force               sign even what implementations will not accept
${tokenUsage}
  --format text|json    default text

Exit status: 0 signed, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred sign permissions.xml --key 'pkcs11:token=CA;object=permissions' \\
    --cert file:permissions_ca.pem
`;

export const verb: Verb = { usage, run };

/** What is told about a signing. */
interface Report {
  readonly ok: boolean;
  /** Whether `--force` would have signed it. */
  readonly forcible: boolean;
  readonly file: string;
  readonly out?: string;
  readonly document?: {
    readonly kind: string;
    readonly scheme: string;
    readonly signer: string;
    readonly signingTime?: string;
    readonly bytes: number;
  };
  readonly findings: readonly Finding[];
}

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    key: { type: "string" },
    cert: { type: "string" },
    out: { type: "string" },
    resign: { type: "boolean" },
    ca: { type: "string" },
    pss: { type: "boolean" },
    at: { type: "string" },
    force: { type: "boolean" },
    ...tokenOptions,
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const { report, signed } = await sign(args, requestOf(args));
  const toStdout = report.out === "-" && signed !== undefined;
  if (toStdout) process.stdout.write(signed.bytes);
  else if (format === "json") printJson(report);
  if (format === "text")
    (toStdout ? process.stderr : process.stdout).write(render(report, styleOf(process.stdout)));
  return report.ok ? EXIT.good : exitOf(report.findings.filter(({ severity }) => severity === "error"));
}

interface Request {
  readonly file: string;
  readonly key: string;
  readonly cert: string;
  readonly out: string;
}

function requestOf(args: Arguments): Request {
  const [file, ...more] = args.positionals;
  const [key, cert] = [args.text("key"), args.text("cert")];
  if (file === undefined || more.length > 0) throw new UsageError("name one document");
  if (key === undefined) throw new UsageError("name the permissions CA's key: --key URI");
  if (cert === undefined) throw new UsageError("name the permissions CA's certificate: --cert URI");
  if (args.text("ca") !== undefined && !args.flag("resign")) throw new UsageError("--ca goes with --resign");
  const path = pathOf(file);
  const out = outputPath(
    args.text("out") ?? (args.flag("resign") ? path : path.replace(/(?:\.xml)?$/i, ".p7s")),
  );
  if (!args.flag("resign") && out !== "-" && resolve(out) === resolve(path))
    throw new UsageError("--out is FILE itself; name another");
  return { file, key: uriOf(key), cert: uriOf(cert), out };
}

async function sign(
  args: Arguments,
  { file, key, cert, out }: Request,
): Promise<{ report: Report; signed?: SignedDocument }> {
  const at = readMoment(args) ?? new Date();
  const findings: Finding[] = [];
  const shown = redactUri(file);
  const refused = (forcible: boolean) => ({ report: { ok: false, forcible, file: shown, findings } });
  const { resolver, crypto } = wire(tokenWiring(args));
  try {
    const certificate = firstOf(await resolver.certificates(cert), cert);
    const before = args.text("ca");
    const previous =
      before === undefined ? certificate : firstOf(await resolver.certificates(uriOf(before)), uriOf(before));
    const { xml, judged } = await readToSign(file, args.flag("resign") ? previous : undefined, crypto);
    findings.push(...judged.findings, ...(await judgeCa(certificate, { at, crypto })));
    // The key is not touched, and no PIN asked for, before the document is worth it.
    if (!passes(findings, args.flag("force"))) return refused(true);
    const { signer } = await resolver.credential({ certificate: cert, privateKey: key });
    const scheme = args.flag("pss") ? { scheme: signatureSchemes.rsa_pss_sha256 } : {};
    const signed = await signDocument(xml, { certificate, signer, crypto, at, ...scheme });
    const { kind } = judged;
    if (kind) findings.push(...refusalFindings(signed.verified, kind, judged.firstLine));
    if (!passes(findings, args.flag("force"))) return refused(true);
    findings.push(...signatureFindings(signed.verified, at));
    if (out !== "-") await writeAtOnce(out, signed.bytes);
    const { verified } = signed;
    const document = {
      kind: kind ?? "unknown",
      scheme: verified.scheme.name,
      signer: formatName(certificate.subject),
      ...(verified.signingTime && { signingTime: verified.signingTime.toISOString() }),
      bytes: signed.bytes.length,
    };
    return { report: { ok: true, forcible: false, file: shown, out, document, findings }, signed };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    findings.push(findingFromError(error));
    return refused(false);
  } finally {
    await resolver.close();
  }
}

/** What is an error for some implementation is one for signing; `--force` makes warnings of them. */
function passes(findings: Finding[], force: boolean): boolean {
  const stopping = ({ severity }: Finding) => severity !== "info";
  for (const [i, one] of findings.entries()) {
    if (stopping(one)) findings[i] = { ...one, severity: force ? "warning" : "error" };
  }
  return force || !findings.some(stopping);
}

function render({ ok, forcible, file, out, document, findings }: Report, style: Style): string {
  const verdict = ok ? style.good("signed") : style.bad("not signed");
  const parts = [`${verdict}  ${style.bold(brief(file, LABEL))}`, ...renderFindings(findings, style)];
  if (forcible) parts.push("  --force signs it nevertheless");
  if (document) {
    const rows = [
      ["document", document.kind],
      ["signature", document.scheme],
      ["signed by", brief(document.signer, LABEL)],
      ["signed on", document.signingTime],
      ["written to", out === "-" ? "standard output" : out],
    ] as const;
    parts.push(renderFacts(rows, style));
  }
  return `${parts.join("\n\n")}\n`;
}
