import { verbOfActions } from "../actions.ts";
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

export const verb = verbOfActions(actions, usage);
