import { documentReaders } from "@ddscred/dds-security";
import { brief, LABEL, type Style, wrap } from "../terminal/style.ts";
import type { PathFinding, PathReport } from "./path-report.ts";
import { renderPath } from "./render.ts";

/** The report for a person: the verdict, what is wrong, and the path drawn. */
export function renderPathReport(report: PathReport, style: Style): string {
  const verdict = report.ok ? style.good("good") : style.bad("not good");
  const name = brief(report.certificate?.subject ?? "", LABEL) || "the certificate";
  const parts = [`${verdict}  ${style.bold(name)}, profile ${report.profile}, at ${report.at.slice(0, 19)}Z`];
  for (const finding of report.findings) parts.push(renderFinding(finding, style));
  if (report.path.length > 0) parts.push(renderPath(report.path, style), facts(report));
  else if (report.certificate !== undefined) parts.push(renderPath([report.certificate], style));
  if (report.rejected !== undefined) parts.push(renderRejected(report.rejected, style));
  return `${parts.join("\n\n")}\n`;
}

function facts({ revocation, policies }: PathReport): string {
  const asked = revocation === "checked" ? "none of them is revoked" : "revocation was not asked for (--crl)";
  return [`  ${asked}`, ...policies.map((policy) => `  policy ${policy}`)].join("\n");
}

const INDENT = "         ";

function renderFinding(finding: PathFinding, style: Style): string {
  const paint = finding.severity === "error" ? style.bad : style.warn;
  const lines = [
    `${paint(finding.severity.padEnd(7))}  ${style.bold(finding.code)}`,
    wrap(finding.message, style.width, INDENT),
  ];
  if (finding.uri !== undefined) lines.push(style.faint(INDENT + brief(finding.uri, LABEL)));
  const { reject = [], accept = [] } = finding.peers ?? {};
  if (reject.length > 0) lines.push(wrap(`refused by ${named(reject)}`, style.width, INDENT));
  if (accept.length > 0) lines.push(wrap(`accepted by ${named(accept)}`, style.width, INDENT));
  if (finding.hint !== undefined) lines.push(wrap(`> ${finding.hint}`, style.width, INDENT));
  return lines.join("\n");
}

function renderRejected(rejected: NonNullable<PathReport["rejected"]>, style: Style): string {
  if (rejected.length === 0) return "no other path was tried";
  const lines = rejected.map(({ path, code, message }) =>
    [
      `  ${path.map((name) => brief(name, LABEL)).join(" <- ")}`,
      wrap(`${code}: ${message}`, style.width, "    "),
    ].join("\n"),
  );
  return ["tried and given up:", ...lines].join("\n");
}

const PEERS: Readonly<Record<string, string>> = documentReaders;
const named = (peers: readonly string[]) => peers.map((peer) => PEERS[peer] ?? peer).join(" and ");
