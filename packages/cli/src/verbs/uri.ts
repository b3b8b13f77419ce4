import {
  CredentialError,
  comparePkcs11Uris,
  explainPkcs11Uri,
  formatPkcs11Uri,
  parsePkcs11Uri,
  redactUri,
} from "@ddscred/core";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { readArguments, readFormat } from "../options.ts";
import { showError } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { printable, styleOf, wrap } from "../terminal/style.ts";
import { attributesFrom } from "../uri/attributes.ts";
import { matchesDescription } from "../uri/describe.ts";

const usage = `Usage: ddscred uri parse [--lenient] URI
       ddscred uri format URI | NAME=VALUE... | JSON
       ddscred uri match PATTERN URI
       ddscred uri compare URI URI

PKCS#11 URIs by RFC 7512, strictly. PINs are never shown.

  parse      explains each attribute
  format     writes the canonical form; NAME=VALUE holds plain text, id as
             hexadecimal digits
  match      does PATTERN match what the second URI describes (such as a line of
             ddscred ls)
  compare    do both name the same (RFC 7512 2.6)

  --lenient             accept spellings from before RFC 7512, and say which
  --format text|json    default text

Exit status: 0 yes or valid, 1 no or not valid, 2 wrong usage.

  ddscred uri parse 'pkcs11:token=My%20HSM;object=alice_key;type=private'
  ddscred uri format token='My HSM' object=alice_key id=01ff
  ddscred uri match 'pkcs11:object=alice_key' 'pkcs11:token=T;object=alice_key'
`;

type Format = "text" | "json";

interface Call {
  readonly args: readonly string[];
  readonly format: Format;
  readonly lenient: boolean;
}

export const verb: Verb = { usage, run };

const actions: Readonly<Record<string, (call: Call) => number>> = { parse, format, match, compare };

async function run(argv: readonly string[]): Promise<number> {
  const options = readArguments(argv, { format: { type: "string" }, lenient: { type: "boolean" } });
  const [name = "", ...args] = options.positionals;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw new UsageError("say parse, format, match or compare");
  const call = { args, format: readFormat(options, ["text", "json"]), lenient: options.flag("lenient") };
  try {
    return await Promise.resolve(action(call));
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    if (call.format === "text") return showError(error);
    printJson({ valid: false, ...error.toJSON() });
    return EXIT.no;
  }
}

function parse({ args, format, lenient }: Call): number {
  const [uri] = exactly(args, 1);
  const explanation = explainPkcs11Uri(uri, { lenient });
  const { aliases } = parsePkcs11Uri(uri, { lenient });
  if (format === "json") {
    printJson({ valid: true, ...explanation, aliases });
    return EXIT.good;
  }
  const style = styleOf(process.stdout);
  const rows = explanation.attributes.map(({ name, component, decoded, meaning, section }) =>
    [
      `${style.bold(printable(name))} = ${printable(decoded) || "(empty)"}`,
      wrap(`${component} attribute, ${meaning} (${section})`, style.width, "  "),
    ].join("\n"),
  );
  const remarks = explanation.remarks.map((remark) => wrap(`note: ${remark}`, style.width, ""));
  process.stdout.write(`${["valid", printable(explanation.canonical), ...rows, ...remarks].join("\n")}\n`);
  return EXIT.good;
}

function format(call: Call): number {
  const uri = formatPkcs11Uri(attributesFrom(call.args, call.lenient));
  if (call.format === "json") printJson({ uri });
  else process.stdout.write(`${uri}\n`);
  return EXIT.good;
}

function match({ args, format, lenient }: Call): number {
  const [pattern, described] = exactly(args, 2);
  const matches = matchesDescription(
    parsePkcs11Uri(pattern, { lenient }),
    parsePkcs11Uri(described, { lenient }),
  );
  return answer({ matches }, matches ? "matches" : "does not match", matches, format);
}

function compare({ args, format, lenient }: Call): number {
  const [a, b] = exactly(args, 2);
  // An invalid URI is an error with its position, not merely unequal.
  for (const uri of [a, b]) parsePkcs11Uri(uri, { lenient });
  const equal = comparePkcs11Uris(a, b, { lenient });
  return answer({ equal, a: redactUri(a), b: redactUri(b) }, equal ? "equal" : "not equal", equal, format);
}

function answer(json: object, text: string, good: boolean, format: Format): number {
  if (format === "json") printJson(json);
  else process.stdout.write(`${text}\n`);
  return good ? EXIT.good : EXIT.no;
}

function exactly(args: readonly string[], count: 1): [string];
function exactly(args: readonly string[], count: 2): [string, string];
function exactly(args: readonly string[], count: number): string[] {
  if (args.length !== count) throw new UsageError(`give ${count === 1 ? "one URI" : "two URIs"}`);
  return [...args];
}
