import type { Finding } from "@ddscred/dds-security";
import { remedyOf } from "../terminal/errors.ts";
import { brief, LABEL, printable, type Style, wrap } from "../terminal/style.ts";
import type { ShownCertificate } from "./certificate.ts";
import type { Difference } from "./compare.ts";
import type { Reader } from "./judge.ts";

const INDENT = "         ";

export function renderFindings(findings: readonly Finding[], style: Style): string[] {
  return findings.map(({ location, ...finding }) => {
    const { severity, code, message } = finding;
    const paint = { error: style.bad, warning: style.warn, info: style.faint }[severity];
    const place = location === undefined ? "" : `  ${location.line}:${location.column}`;
    return [
      `${paint(severity.padEnd(7))}  ${style.bold(code)}${place}`,
      wrap(message, style.width, INDENT),
      ...remedyOf(finding, style, INDENT),
    ].join("\n");
  });
}

/** Rows of a name and its facts. */
export function renderFacts(rows: readonly (readonly [string, string | undefined])[], style: Style): string {
  const told = rows.filter((row): row is readonly [string, string] => row[1] !== undefined);
  const indent = 4 + Math.max(0, ...told.map(([name]) => name.length));
  return told
    .map(([name, text]) => {
      const body = wrap(text, style.width, " ".repeat(indent)).trimStart();
      return `  ${name.padEnd(indent - 2)}${body}`;
    })
    .join("\n");
}

/** A path, the leaf first, each certificate below the one that it was issued by. */
export function renderPath(path: readonly ShownCertificate[], style: Style): string {
  return path
    .toReversed()
    .map(({ role, subject, key, serialNumber, notBefore, notAfter, fingerprints }, depth) => {
      const lead = `  ${"   ".repeat(depth)}`;
      const head = `${lead}${depth === 0 ? "" : "└─ "}${style.bold(role)}  ${brief(subject, LABEL) || "(empty name)"}`;
      const facts = [
        `${key}, ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}, serial ${brief(serialNumber, 64)}`,
        `SHA-256 ${fingerprints.sha256}`,
        `SHA-1 ${fingerprints.sha1}`,
      ];
      return [head, ...facts.map((fact) => style.faint(`${lead}   ${fact}`))].join("\n");
    })
    .join("\n");
}

export function renderReaders(readers: readonly Reader[], style: Style): string {
  return renderFacts(
    readers.map(({ name, judged, accepts, reasons }) => [
      name,
      accepts ? `accepts the ${judged}` : `does not accept it: ${reasons.join("; ")}`,
    ]),
    style,
  );
}

/** Lines of the signed text behind `-`, of the file behind `+`; the first few. */
export function renderDifference({ line, signed, file }: Difference, style: Style): string {
  const shown = (lines: readonly string[], mark: string, paint: (text: string) => string) => [
    ...lines.slice(0, MAX_LINES).map((text) => paint(`  ${mark} ${brief(text, LABEL)}`)),
    ...(lines.length > MAX_LINES ? [style.faint(`  ${mark} ... ${lines.length - MAX_LINES} more`)] : []),
  ];
  return [
    printable(`  from line ${line}: "-" is signed, "+" is the file`),
    ...shown(signed, "-", style.bad),
    ...shown(file, "+", style.good),
  ].join("\n");
}

const MAX_LINES = 20;
