import { EXIT, UsageError } from "./exit.ts";
import { showError } from "./terminal/errors.ts";

/** A verb of the program: `run` gets what stands after the verb and answers with the exit status. */
export interface Verb {
  readonly usage: string;
  /** The usage of the action that the arguments name, where a verb has several. */
  help?(args: readonly string[]): Promise<string>;
  run(args: readonly string[]): Promise<number>;
}

/** One file each, loaded when asked for. */
const verbs: Readonly<Record<string, { summary: string; load: () => Promise<Verb> }>> = {
  check: {
    summary: "will this configuration work, and if not, why and what to do",
    load: async () => (await import("./verbs/check.ts")).verb,
  },
  access: {
    summary: "may this participant join, publish, subscribe; which rule decides",
    load: async () => (await import("./verbs/access.ts")).verb,
  },
  ls: {
    summary: "tokens and their objects as ready-made URIs",
    load: async () => (await import("./verbs/ls.ts")).verb,
  },
  doctor: {
    summary: "what is wrong with modules, tokens, PINs, OpenSSL; what to do",
    load: async () => (await import("./verbs/doctor.ts")).verb,
  },
  handshake: {
    summary: "authenticate with another participant, token by token",
    load: async () => (await import("./verbs/handshake.ts")).verb,
  },
  interop: {
    summary: "will two participants authenticate, and with which implementations",
    load: async () => (await import("./verbs/interop.ts")).verb,
  },
  draft: {
    summary: "write a Governance or Permissions document from a short description",
    load: async () => (await import("./verbs/draft.ts")).verb,
  },
  sign: {
    summary: "sign a Governance or Permissions document, with a key from anywhere",
    load: async () => (await import("./verbs/sign.ts")).verb,
  },
  verify: {
    summary: "is a document signed by the permissions CA, how, and who reads it",
    load: async () => (await import("./verbs/verify.ts")).verb,
  },
  key: {
    summary: "make a key pair on a token, which it never leaves; or import one",
    load: async () => (await import("./verbs/key.ts")).verb,
  },
  csr: {
    summary: "ask for a certificate with a key on a token (PKCS#10)",
    load: async () => (await import("./verbs/csr.ts")).verb,
  },
  cert: {
    summary: "store, issue and verify certificates",
    load: async () => (await import("./verbs/cert.ts")).verb,
  },
  remove: {
    summary: "remove one object from a token",
    load: async () => (await import("./verbs/remove.ts")).verb,
  },
  uri: {
    summary: "parse, format, match and compare pkcs11: URIs (RFC 7512)",
    load: async () => (await import("./verbs/uri.ts")).verb,
  },
  demo: {
    summary: "make a deployment in memory, check it, break it, check again",
    load: async () => (await import("./verbs/demo.ts")).verb,
  },
};

/** Runs the program; the statuses are those of {@link EXIT}. */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return; // what the verb finds out is its status nevertheless
    process.stderr.write(`ddscred: the output cannot be written (${error.code ?? "unknown"})\n`);
    process.exit(EXIT.unknown);
  });
  process.stderr.on("error", () => undefined); // there is nobody to tell
  const [name, ...rest] = args;
  if (name === "help" && rest[0] !== undefined && Object.hasOwn(verbs, rest[0]))
    return await main([rest[0], "--help"]);
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(overview());
    return name === undefined ? EXIT.usage : EXIT.good;
  }
  const entry = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (entry === undefined) {
    process.stderr.write(`ddscred: ${await noVerb(name)}\n\n${overview()}`);
    return EXIT.usage;
  }
  const verb = await entry.load();
  const options = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : rest.length);
  if (options.includes("--help") || options.includes("-h")) {
    process.stdout.write((await verb.help?.(rest)) ?? verb.usage);
    return EXIT.good;
  }
  try {
    return await verb.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      const usage = (await verb.help?.(rest)) ?? verb.usage;
      const action = usage === verb.usage ? name : `${name} ${rest[0]}`;
      process.stderr.write(`ddscred ${action}: ${error.message}\n\n${usage.split("\n\n")[0]}\n
ddscred ${action} --help explains it.\n`);
      return EXIT.usage;
    }
    return showError(error);
  }
}

/** What stands in place of a verb is quoted only where it can be no URI and no option with a PIN. */
async function noVerb(name: string): Promise<string> {
  if (/^pkcs11:/i.test(name))
    return "there is no such verb; for a URI: ddscred ls URI, ddscred uri parse URI";
  if (/^-|^(?:file|data):/i.test(name)) return "the verb comes first, such as: ddscred check FILE";
  if (!/^[a-z]{1,20}$/i.test(name)) return "there is no such verb";
  const { nearest } = await import("@ddscred/core");
  const [meant] = nearest(name.toLowerCase(), Object.keys(verbs));
  return `there is no verb "${name}"${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function overview(): string {
  const list = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `ddscred: DDS Security credentials\n\nUsage: ddscred VERB [OPTIONS] ...\n\n${list.join("\n")}\n
Options of every verb: --help; and ddscred --version.

Exit status: 0 good, 1 the answer is no, 2 wrong usage, 3 a device failed or
something is not judged yet.\n`;
}
