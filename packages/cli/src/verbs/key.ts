import { UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";

/** What can be done with keys; one file each, loaded when asked for. */
const actions: Readonly<Record<string, () => Promise<Verb>>> = {
  generate: async () => (await import("./key/generate.ts")).verb,
  import: async () => (await import("./key/import.ts")).verb,
};

const usage = `Usage: ddscred key generate URI [OPTIONS]
       ddscred key import URI --key FILE --accept-exposed-key [OPTIONS]

  generate   make a key pair on a token, which it never leaves
  import     store a key that was made elsewhere: a risk

Each has its own --help, such as \`ddscred key generate --help\`.
`;

export const verb: Verb = { usage, run, help };

async function help([name = ""]: readonly string[]): Promise<string> {
  const load = Object.hasOwn(actions, name) ? actions[name] : undefined;
  return load === undefined ? usage : (await load()).usage;
}

async function run(argv: readonly string[]): Promise<number> {
  const [name = "", ...args] = argv;
  const load = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (load === undefined) throw new UsageError(`say ${Object.keys(actions).join(" or ")}`);
  return await (await load()).run(args);
}
