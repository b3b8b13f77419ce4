import { verbOfActions } from "../actions.ts";
import type { Verb } from "../main.ts";

/** What can be done with certificates; one file each, loaded when asked for. */
const actions: Readonly<Record<string, () => Promise<Verb>>> = {
  import: async () => (await import("./cert/import.ts")).verb,
  issue: async () => (await import("./cert/issue.ts")).verb,
  verify: async () => (await import("./cert/verify.ts")).verb,
};

const usage = `Usage: ddscred cert import URI --cert FILE|URI [OPTIONS]
       ddscred cert issue --csr FILE --ca-key URI --ca-cert URI --days N
       ddscred cert verify FILE|URI --ca URI [OPTIONS]

  import     store a certificate on a token, beside its key
  issue      issue a certificate, with a CA's key wherever it is
  verify     is a certificate good under a CA, and by which path

Each has its own --help, such as \`ddscred cert issue --help\`.
`;

export const verb = verbOfActions(actions, usage);
