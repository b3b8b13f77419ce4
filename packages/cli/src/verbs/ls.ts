import type { CredentialDescription } from "@ddscred/core";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { readArguments, readFormat } from "../options.ts";
import { printable, type Style, styleOf } from "../terminal/style.ts";
import { wire } from "../wiring.ts";

const usage = `Usage: ddscred ls [OPTIONS] [URI]

Lists tokens and what is on them, each with a URI that names exactly that object.

  URI                   what to list; default pkcs11: (everything). Private objects need a PIN,
                        best by pin-source=file:/path
  --module PATH         PKCS#11 module
  --format text|json    default text
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, { module: { type: "string" }, format: { type: "string" } });
  const format = readFormat(args, ["text", "json"]);
  const [uri = "pkcs11:", ...more] = args.positionals;
  if (more.length > 0) throw new UsageError("name one URI");
  const { resolver } = wire({ module: args.text("module") });
  const found: CredentialDescription[] = [];
  try {
    for await (const description of resolver.list(uri)) found.push(description);
  } finally {
    await resolver.close();
  }
  process.stdout.write(
    format === "json" ? `${JSON.stringify(found, null, 2)}\n` : render(found, styleOf(process.stdout)),
  );
  return found.length > 0 ? EXIT.good : EXIT.no;
}

function render(found: readonly CredentialDescription[], style: Style): string {
  if (found.length === 0) return "nothing matches\n";
  return found
    .map(({ kind, label, uri, details }) => {
      const facts = Object.entries(details).map(([name, value]) => `${name} ${value}`);
      const head = `${style.bold(printable(label === "" ? "(no label)" : label))}  ${kind}`;
      return `${head}\n  ${printable(uri)}\n${facts.length > 0 ? style.faint(`  ${printable(facts.join(", "))}\n`) : ""}`;
    })
    .join("\n");
}
