import { UsageError } from "../exit.ts";
import type { Arguments } from "../options.ts";
import { tokenWiring } from "../pin/options.ts";
import { type Wired, wire } from "../wiring.ts";

/** Runs what needs tokens, and closes them. */
export async function withTokens<T>(args: Arguments, run: (wired: Wired) => Promise<T>): Promise<T> {
  const wired = wire(tokenWiring(args));
  try {
    return await run(wired);
  } finally {
    await wired.resolver.close();
  }
}

/** The one pkcs11: URI that a verb is called with. */
export function oneTokenUri({ positionals }: Arguments): string {
  const [uri, ...more] = positionals;
  if (uri === undefined || more.length > 0) throw new UsageError("name one URI");
  if (!/^pkcs11:/i.test(uri)) throw new UsageError("objects are on tokens: name a pkcs11: URI");
  return uri;
}

/** The value of an option that a verb cannot do without. */
export function needed(args: Arguments, name: string, what: string): string {
  const value = args.text(name);
  if (value === undefined) throw new UsageError(`say ${what}: --${name}${cutOff(args)}`);
  return value;
}

/** Where a URI stands last, and without what a URI has as a rule, a shell may have ended the command at its semicolon. */
function cutOff(args: Arguments): string {
  const uris = [
    ...args.positionals,
    ...["key", "ca-key", "ca-cert", "cert"].flatMap((name) => args.list(name)),
  ];
  const isCut = uris.some((uri) => /^pkcs11:[^;?]*$/i.test(uri));
  return isCut ? "; is the URI in quotes? A shell ends a command at a semicolon" : "";
}

/** Says on a terminal what takes its time. */
export function tellProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}
