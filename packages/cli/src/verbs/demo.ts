import { type MockDefect, type MockPki, mockDeployment, mockPki } from "@ddscred/backend-mock";
import { createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { check, readCycloneConfiguration } from "@ddscred/dds-security";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { renderReport } from "../terminal/report.ts";
import { type Style, styleOf, wrap } from "../terminal/style.ts";

const usage = `Usage: ddscred demo

Makes a throw-away deployment in memory (two CAs, a participant whose key and
certificate are on a software token, signed Governance and Permissions), checks
it, then breaks it in several ways and shows what check says. It needs no HSM,
writes no file and opens no connection.
`;

const acts: readonly { title: string; defects: readonly MockDefect[] }[] = [
  { title: "A participant as it should be.", defects: [] },
  {
    title: "The PIN in the configuration is wrong. A run tries it once, never twice.",
    defects: ["pin-wrong"],
  },
  { title: "The key on the token belongs to another certificate.", defects: ["key-mismatch"] },
  { title: "The identity certificate has expired.", defects: ["identity-expired"] },
  { title: "Somebody edited the Permissions after they were signed.", defects: ["permissions-altered"] },
];

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  if (argv.length > 0) throw new UsageError("demo takes no arguments");
  const style = styleOf(process.stdout);
  const pki = await mockPki();
  for (const [index, { title, defects }] of acts.entries()) {
    process.stdout.write(`${style.bold(`${index + 1}. ${title}`)}\n\n${await act(pki, defects, style)}\n`);
  }
  process.stdout.write(`${wrap(CLOSING, style.width, "")}\n`);
  return EXIT.good;
}

const CLOSING =
  "Now on a configuration of your own: `ddscred check cyclonedds.xml --module /path/to/pkcs11-module.so`, or in a clone `npm start -- check cyclonedds.xml --module /path/to/pkcs11-module.so`";

async function act(pki: MockPki, defects: readonly MockDefect[], style: Style): Promise<string> {
  const { backend, configuration } = await mockDeployment({ pki, defects });
  const crypto = nodeCrypto();
  const resolver = createResolver([backend], { crypto });
  const [read] = readCycloneConfiguration(configuration, { file: "cyclonedds.xml", environment: {} });
  if (read === undefined) throw new Error("the demonstration has no configuration");
  const report = await check(read, { resolver, crypto });
  await resolver.close();
  return renderReport(report, style);
}
