import { type CredentialDescription, CredentialError, type Resolver } from "@ddscred/core";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { type Arguments, readArguments, readFormat } from "../options.ts";
import { tokenOptions, tokenUsage, tokenWiring } from "../pin/options.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { brief, LABEL, type Style, styleOf, URI, wrap } from "../terminal/style.ts";
import { wire } from "../wiring.ts";

const usage = `Usage: ddscred ls [OPTIONS] [URI]

Lists tokens and what is on them, each with a URI that names exactly that
object.

  URI                   what to list; default pkcs11: (everything). Private
                        objects need a PIN
${tokenUsage}
  --format text|json    default text

Exit status: 0 listed, 1 nothing matches, 2 wrong usage, 3 a device failed.

  ddscred ls --module /usr/lib/softhsm/libsofthsm2.so
  ddscred ls 'pkcs11:token=HSM;type=private' --pin-source env:PIN
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, { ...tokenOptions, format: { type: "string" } });
  const format = readFormat(args, ["text", "json"]);
  const [uri = "pkcs11:", ...more] = args.positionals;
  if (more.length > 0) throw new UsageError("name one URI");
  if (!/^pkcs11:/i.test(uri)) throw new UsageError("ls lists pkcs11: URIs");
  try {
    const { found, hasToken } = await list(uri, args);
    if (format === "json") printJson(found);
    if (found.length === 0) {
      const reason = hasToken ? nothing(uri, args) : noToken(uri);
      (format === "json" ? process.stderr : process.stdout).write(reason);
    } else if (format === "text") process.stdout.write(render(found, styleOf(process.stdout)));
    return found.length > 0 ? EXIT.good : EXIT.no;
  } catch (error) {
    if (format === "text" || !(error instanceof CredentialError)) throw error;
    printJson(error);
    return exitOf([error]);
  }
}

async function list(uri: string, args: Arguments): Promise<Listed> {
  const { resolver } = wire(tokenWiring(args));
  const found: CredentialDescription[] = [];
  try {
    for await (const description of resolver.list(uri)) found.push(description);
    return { found, hasToken: found.length > 0 || (await isThere(resolver, uri)) };
  } finally {
    await resolver.close();
  }
}

interface Listed {
  readonly found: readonly CredentialDescription[];
  /** Whether the token of the URI is there, if not its objects. */
  readonly hasToken: boolean;
}

/** A token is listed, and first, where the URI names no object. */
async function isThere(resolver: Resolver, uri: string): Promise<boolean> {
  const [path = "", ...query] = uri.split("?");
  const ofToken = path
    .replace(/([:;])(?:object|id|type)=[^;]*/g, "$1")
    .replace(/;+(?=;|$)/g, "")
    .replace(":;", ":");
  for await (const _ of resolver.list([ofToken, ...query].join("?"))) return true;
  return false;
}

function noToken(uri: string): string {
  return /^pkcs11:(?:[?]|$)/i.test(uri)
    ? "no token is there; ddscred doctor says which modules were looked at, and what is behind them\n"
    : "no token matches the URI; ddscred ls without a URI shows those that are there\n";
}

function nothing(uri: string, args: Arguments): string {
  const withoutPin = args.text("pin-source") === undefined && !/[?&]pin-(?:value|source)=/.test(uri);
  const needed = withoutPin ? " without a PIN (--pin-source), which private objects need" : "";
  return `nothing matches${needed}; ddscred ls without a URI shows what is there\n`;
}

/** No PIN is sent where the URI names several tokens. */
const HIDDEN = "private objects are listed with a PIN and a URI of this token alone";

function render(found: readonly CredentialDescription[], style: Style): string {
  return found
    .map(({ kind, label, uri, details }) => {
      const facts = Object.entries(details).map(([name, value]) =>
        name === "hidden" ? HIDDEN : `${name} ${brief(value, LABEL)}`,
      );
      const head = `${style.bold(brief(label === "" ? "(no label)" : label, LABEL))}  ${kind}`;
      const told = facts.length > 0 ? `${style.faint(wrap(facts.join(", "), style.width, "  "))}\n` : "";
      return `${head}\n  ${brief(uri, URI)}\n${told}`;
    })
    .join("\n");
}
