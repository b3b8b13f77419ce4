import { brief, type Style, URI, wrap } from "../terminal/style.ts";
import type { DoctorFinding, DoctorReport } from "./report.ts";

const INDENT = "         ";

/** A report for a person: the verdict, then what was looked at, each with its remedy. */
export function renderDoctor({ ok, findings }: DoctorReport, style: Style): string {
  const counts = (["error", "warning"] as const)
    .map((severity) => ({ severity, count: findings.filter((one) => one.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}${count === 1 ? "" : "s"}`);
  const verdict = ok ? style.good("good") : style.bad("not good");
  const head = counts.length === 0 ? verdict : `${verdict}  (${counts.join(", ")})`;
  return `${[head, "", ...findings.map((one) => renderFinding(one, style))].join("\n")}\n`;
}

function renderFinding({ severity, topic, message, hint, location }: DoctorFinding, style: Style): string {
  const paint = { ok: style.good, info: style.faint, warning: style.warn, error: style.bad }[severity];
  const text = wrap(`${topic}: ${message}`, style.width, INDENT).slice(INDENT.length);
  const lines = [`${paint(severity.padEnd(7))}  ${text}`];
  if (location !== undefined) lines.push(style.faint(INDENT + brief(place(location), URI)));
  if (hint !== "") lines.push(wrap(`> ${hint}`, style.width, INDENT));
  return lines.join("\n");
}

function place({ file, line }: NonNullable<DoctorFinding["location"]>): string {
  return line === undefined ? file : `${file}:${line}`;
}
