import { type CheckReport, elementOf, type Finding } from "@ddscred/dds-security";
import { escaped, UNSAFE } from "./style.ts";

/** Reports as one page that needs nothing else: no script, no font, no address. */
export function htmlOf(reports: readonly CheckReport[], at: Date): string {
  const bad = reports.filter(({ ok }) => !ok).length;
  const title = bad === 0 ? "ddscred: good" : `ddscred: ${bad} of ${reports.length} not good`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title>
<style>${STYLE}</style></head>
<body>
<h1>${text(title)}</h1>
<p>Judged for ${text(at.toISOString())}.</p>
${reports.map(section).join("\n")}
</body>
</html>
`;
}

function section(report: CheckReport): string {
  const verdict = report.ok ? '<span class="good">good</span>' : '<span class="error">not good</span>';
  const domain = typeof report.domain === "number" ? `, domain ${report.domain}` : "";
  const parts = [
    report.findings.map(article).join("\n"),
    table(
      "Credentials",
      ["", "what", "key", "until", "URI"],
      report.credentials.map(({ property, subject, key, notAfter, uri }) => [
        elementOf(property),
        subject ?? "",
        key,
        day(notAfter),
        uri,
      ]),
    ),
    table(
      "Documents",
      ["", "signed by", "scheme", "on", "URI"],
      report.documents.map(({ property, signer, scheme, signingTime, uri }) => [
        elementOf(property),
        signer,
        scheme,
        day(signingTime),
        uri,
      ]),
    ),
    table(
      "What ends, the earliest first",
      ["on", "what"],
      report.expiry.map(({ what, notAfter }) => [day(notAfter), what]),
    ),
  ];
  const body = parts.filter((part) => part !== "").join("\n");
  return `<section><h2>${verdict} ${text(report.source)}${text(domain)}</h2>\n${body}\n</section>`;
}

function article({ severity, code, message, hint, property, location, target, uri }: Finding): string {
  const name = property === undefined ? "" : ` ${elementOf(property)}`;
  const rows = [
    `<p><span class="${severity}">${severity}</span> <code>${code}</code>${text(name)} ${place(location)}</p>`,
    `<p>${target === undefined ? "" : `${place(target)}: `}${text(message)}</p>`,
    uri === undefined ? "" : `<p><code>${text(uri)}</code></p>`,
    `<p class="hint">${text(hint)}</p>`,
  ];
  return `<article>${rows.join("")}</article>`;
}

function place(location: Finding["location"]): string {
  if (location === undefined) return "";
  const { file, line, column } = location;
  return `<code>${text(`${file === undefined ? "" : `${file}:`}${line}:${column}`)}</code>`;
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => cells("td", row)).join("\n");
  return `<table><caption>${text(caption)}</caption>\n${cells("th", head)}\n${body}</table>`;
}

/** Everything in a report may come from files and tokens. */
function text(value: string): string {
  return value.replace(UNSAFE, escaped).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const day = (iso: string | undefined) => (iso ?? "").slice(0, 10);

const STYLE = `body{font:16px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
section{border-top:1px solid #ccc;margin-top:2rem}article{margin:1rem 0;padding-left:1rem;border-left:3px solid #ccc}
article p{margin:.2rem 0}.hint{color:#555}code{overflow-wrap:anywhere}
.good{color:#17702d}.error{color:#b3141f}.warning{color:#8a5a00}.info{color:#555}
table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:bold}
td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}`;
