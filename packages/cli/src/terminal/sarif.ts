import { readFileSync } from "node:fs";
import { errorCodes } from "@ddscred/core";
import type { CheckReport, Finding } from "@ddscred/dds-security";

/** Reports as one run of SARIF 2.1.0 (OASIS), for code scanning: a rule for each code, a result for each finding. */
export function sarifOf(reports: readonly CheckReport[]): object {
  const results = reports.flatMap((report) => report.findings.map((finding) => resultOf(report, finding)));
  const used = [...new Set(results.map(({ ruleId }) => ruleId))].toSorted();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "ddscred", version: version(), rules: used.map(ruleOf) } }, results }],
  };
}

function ruleOf(code: Finding["code"]): object {
  const { summary, hint } = errorCodes[code];
  return { id: code, shortDescription: { text: summary }, help: { text: hint } };
}

function resultOf(report: CheckReport, finding: Finding) {
  const { code, severity, message, hint, location, target, property, uri, peers } = finding;
  // Code scanning shows a result at a file: without a better place it is the configuration itself.
  const place = location?.file ?? report.source;
  return {
    ruleId: code,
    level: { error: "error", warning: "warning", info: "note" }[severity],
    message: { text: `${message}. ${hint}` },
    locations: [physical(place, location)],
    ...(target?.file === undefined ? {} : { relatedLocations: [physical(target.file, target)] }),
    properties: { property, uri, peers },
  };
}

function physical(file: string, region: Finding["location"]): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(file).replaceAll("?", "%3F").replaceAll("#", "%23") },
      ...(region === undefined ? {} : { region: { startLine: region.line, startColumn: region.column } }),
    },
  };
}

/** The program is one folder below its package.json, bundled or not. */
function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
