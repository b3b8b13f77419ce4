import { CredentialError, formatName, redactUri, type VerifiedDocument, verifyDocument } from "@ddscred/core";
import { type Finding, finding, findingFromError } from "@ddscred/dds-security";
import { type ShownCertificate, shownCertificate } from "../documents/certificate.ts";
import { compareTexts, type Difference } from "../documents/compare.ts";
import { judgeCa, judgeContent, type Reader, readersOf, refusalFindings } from "../documents/judge.ts";
import { firstOf, readFile } from "../documents/open.ts";
import {
  renderDifference,
  renderFacts,
  renderFindings,
  renderPath,
  renderReaders,
} from "../documents/render.ts";
import { EXIT, UsageError } from "../exit.ts";
import { uriOf } from "../input.ts";
import type { Verb } from "../main.ts";
import { type Arguments, readArguments, readFormat, readMoment } from "../options.ts";
import { tokenOptions, tokenUsage, tokenWiring } from "../pin/options.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { brief, LABEL, type Style, styleOf } from "../terminal/style.ts";
import { wire } from "../wiring.ts";

const usage = `Usage: ddscred verify [OPTIONS] FILE --ca URI

Says whether a Governance or Permissions document (.p7s) is signed by the
permissions CA itself and unchanged, how it is signed, and which
implementations read it.

  --ca URI              the permissions CA: file:, data: or pkcs11:, or a path
  --at TIME             judge another moment: 2027-01-31 or
                        2027-01-31T12:00:00Z
  --against XML         also compare the signed text with this file
  --content             print the signed XML, and nothing else, if all is good
${tokenUsage}
  --format text|json    default text

Exit status: 0 good, 1 not good, 2 wrong usage, 3 a device failed.

  ddscred verify permissions.p7s --ca file:permissions_ca.pem
  ddscred verify governance.p7s --ca 'pkcs11:token=CA;object=permissions'
`;

export const verb: Verb = { usage, run };

/** What is told about a document. */
interface Report {
  readonly ok: boolean;
  readonly file: string;
  readonly findings: readonly Finding[];
  readonly document?: ReturnType<typeof shownDocument>;
  /** The path of trust, the signer first: in DDS it is the permissions CA alone. */
  readonly path: readonly ShownCertificate[];
  readonly readers: readonly Reader[];
  /** Only with `--against`. */
  readonly comparison?: { readonly file: string; readonly same: boolean; readonly difference?: Difference };
}

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ca: { type: "string" },
    at: { type: "string" },
    against: { type: "string" },
    content: { type: "boolean" },
    ...tokenOptions,
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const { report, verified } = await examine(args);
  if (args.flag("content") && report.ok && verified) process.stdout.write(verified.content);
  else if (format === "json") printJson(report);
  else
    (args.flag("content") ? process.stderr : process.stdout).write(render(report, styleOf(process.stdout)));
  return report.ok ? EXIT.good : exitOf(report.findings.filter(({ severity }) => severity === "error"));
}

async function examine(args: Arguments): Promise<{ report: Report; verified?: VerifiedDocument }> {
  const [file, ...more] = args.positionals;
  const caValue = args.text("ca");
  if (file === undefined || more.length > 0) throw new UsageError("name one signed document");
  if (caValue === undefined) throw new UsageError("name the permissions CA: --ca URI");
  const at = readMoment(args) ?? new Date();
  const findings: Finding[] = [];
  const shown = redactUri(file);
  let report: Omit<Report, "ok" | "findings"> = { file: shown, path: [], readers: [] };
  let verified: VerifiedDocument | undefined;
  const { resolver, crypto } = wire(tokenWiring(args));
  try {
    const bytes = await readFile(file);
    const uri = uriOf(caValue);
    const ca = firstOf(await resolver.certificates(uri), uri);
    report = { ...report, path: [shownCertificate(ca, "permissions CA")] };
    findings.push(...(await judgeCa(ca, { at, crypto })));
    verified = await verifyDocument(bytes, { ca, crypto });
    const { kind, findings: content } = judgeContent(verified.content, {
      file: shown,
      firstLine: verified.contentLine,
    });
    findings.push(...content);
    if (kind) findings.push(...refusalFindings(verified, kind, verified.contentLine));
    report = { ...report, document: shownDocument(verified, kind), readers: readersOf(verified, kind, at) };
    const against = args.text("against");
    if (against !== undefined) {
      const difference = compareTexts(verified.content, await readFile(against));
      if (difference) findings.push(differs(redactUri(against), difference));
      const comparison = {
        file: redactUri(against),
        same: difference === undefined,
        ...(difference && { difference }),
      };
      report = { ...report, comparison };
    }
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    findings.push(findingFromError(error));
  } finally {
    await resolver.close();
  }
  const ok = findings.every(({ severity }) => severity !== "error");
  return { report: { ok, ...report, findings }, ...(verified && { verified }) };
}

function shownDocument(document: VerifiedDocument, kind: string | undefined) {
  const { form, scheme, signer, signingTime, signatures, signerIdentifier, signedAttributes } = document;
  return {
    kind: kind ?? "unknown",
    form,
    scheme: scheme.name,
    signer: formatName(signer.subject),
    ...(signingTime && { signingTime: signingTime.toISOString() }),
    signatures,
    signerIdentifier,
    signedAttributes,
    signerIncluded: document.signerIncluded,
    contentLine: document.contentLine,
    bytes: document.content.length,
  };
}

function differs(file: string, { line }: Difference): Finding {
  const message = `the signed text is not that of ${file}: they differ from line ${line}`;
  return finding("DOCUMENT_DIFFERS", "error", message);
}

function render(report: Report, style: Style): string {
  const { ok, file, findings, document, path, readers, comparison } = report;
  const verdict = `${ok ? style.good("good") : style.bad("not good")}  ${style.bold(brief(file, LABEL))}`;
  const parts = [verdict, ...renderFindings(findings, style)];
  if (comparison?.difference) parts.push(renderDifference(comparison.difference, style));
  if (document) {
    const { kind, form, scheme, signer, signingTime, signatures } = document;
    const rows = [
      ["document", kind],
      ["signature", `${form}, ${scheme}${signatures > 1 ? `, ${signatures} signatures` : ""}`],
      ["signed by", brief(signer, LABEL)],
      ["signed on", signingTime ?? "not said"],
      ["same as", comparison?.same === true ? comparison.file : undefined],
    ] as const;
    parts.push(renderFacts(rows, style));
  }
  if (path.length > 0) parts.push(renderPath(path, style));
  if (readers.length > 0) parts.push(renderReaders(readers, style));
  return `${parts.join("\n\n")}\n`;
}
