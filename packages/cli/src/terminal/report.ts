import { type CheckReport, documentReaders, elementOf, type Finding } from "@ddscred/dds-security";
import { EXIT } from "../exit.ts";
import { exitOf, remedyOf } from "./errors.ts";
import { brief, LABEL, printable, type Style, URI, wrap } from "./style.ts";

const INDENT = "         ";
const PEERS = ["cyclonedds", "fastdds"] as const;

/** A check report for a person: the verdict, what is wrong with its remedy, what was found good. */
export function renderReport(report: CheckReport, style: Style): string {
  const parts = [verdict(report, style), ...report.findings.map((finding) => renderFinding(finding, style))];
  const facts = renderFacts(report, style);
  if (facts !== "") parts.push(facts);
  return `${parts.join("\n\n")}\n`;
}

/** Of many. */
export function renderCount(reports: readonly CheckReport[], style: Style): string {
  const bad = reports.filter(({ ok }) => !ok).length;
  const word = bad === 0 ? style.good : style.bad;
  return `${word(`${reports.length - bad} good, ${bad} not good`)}\n`;
}

function verdict(report: CheckReport, style: Style): string {
  const count = (severity: string) =>
    report.findings.filter((finding) => finding.severity === severity).length;
  const counts = [plural(count("error"), "error"), plural(count("warning"), "warning")].filter(
    (text) => text !== "",
  );
  const peers = PEERS.flatMap((peer) =>
    report.findings.some(({ code, severity, peers = [] }) => {
      return code === "PEER_DIFFERS" && severity === "warning" && peers.includes(peer);
    })
      ? documentReaders[peer]
      : [],
  );
  const errors = report.findings.filter(({ severity }) => severity === "error");
  const word = report.ok
    ? style.good(peers.length === 0 ? "good" : "good by the specification")
    : style.bad(exitOf(errors) === EXIT.unknown ? "could not find out" : "not good");
  const domain = typeof report.domain === "number" ? `, domain ${report.domain}` : "";
  const except =
    report.ok && peers.length > 0 ? style.warn(`, but not accepted by ${peers.join(" and ")}`) : "";
  return `${word}${except}  ${style.bold(printable(report.source))}${domain}${counts.length > 0 ? `  (${counts.join(", ")})` : ""}`;
}

function renderFinding(finding: Finding, style: Style): string {
  const paint = { error: style.bad, warning: style.warn, info: style.faint }[finding.severity];
  const target = finding.target === undefined ? "" : `${place(finding.target)}: `;
  const { location: _, property: __, target: ___, ...rest } = finding;
  return [
    `${paint(finding.severity.padEnd(7))}  ${style.bold(finding.code)}${where(finding)}`,
    wrap(target + finding.message, style.width, INDENT),
    ...remedyOf(rest, style, INDENT),
  ].join("\n");
}

function where({ location, property }: Finding): string {
  const name = property === undefined ? "" : `  ${elementOf(property)}`;
  return location === undefined ? name : `  ${place(location)}${name}`;
}

function place({ file, line, column }: NonNullable<Finding["location"]>): string {
  return `${file === undefined ? "" : `${printable(file)}:`}${line}:${column}`;
}

/** What was opened: a name, what it is, and its URI below, within the width of the terminal. */
function renderFacts(report: CheckReport, style: Style): string {
  const rows = [
    ...report.credentials.map((credential) => ({
      name: elementOf(credential.property),
      facts: [
        credential.subject,
        credential.key,
        credential.possessionProved === true ? "signature made and verified" : undefined,
        credential.notAfter === undefined ? undefined : `until ${day(credential.notAfter)}`,
        extractability(credential.extractable),
      ],
      uri: credential.uri,
    })),
    ...report.documents.map((document) => ({
      name: elementOf(document.property),
      facts: [
        `signed by ${document.signer}`,
        document.scheme,
        document.signingTime === undefined ? undefined : `on ${day(document.signingTime)}`,
      ],
      uri: document.uri,
    })),
  ];
  const indent = 4 + Math.max(0, ...rows.map(({ name }) => name.length));
  return rows
    .map(({ name, facts, uri }) => {
      const told = facts.filter((fact) => fact !== undefined).map((fact) => brief(fact, LABEL));
      const text = wrap(told.join(", "), style.width, " ".repeat(indent)).trimStart();
      return `  ${name.padEnd(indent - 2)}${text}\n${" ".repeat(indent)}${style.faint(brief(uri, URI))}`;
    })
    .join("\n");
}

function extractability(extractable: boolean | undefined): string | undefined {
  if (extractable === undefined) return undefined;
  return extractable ? "extractable" : "not extractable";
}

const day = (iso: string) => iso.slice(0, 10);
const plural = (count: number, noun: string) =>
  count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
