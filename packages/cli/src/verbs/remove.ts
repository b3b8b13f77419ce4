import { createInterface } from "node:readline/promises";
import { type CredentialDescription, CredentialError, redactUri } from "@ddscred/core";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { readArguments, readFormat } from "../options.ts";
import { tokenOptions, tokenUsage } from "../pin/options.ts";
import { answering } from "../provisioning/answer.ts";
import { oneTokenUri, withTokens } from "../provisioning/on-token.ts";
import { brief, LABEL, URI } from "../terminal/style.ts";
import type { Wired } from "../wiring.ts";

const usage = `Usage: ddscred remove URI [--yes] [OPTIONS]

Removes one object from a token: the one that the URI names, and no other. Where
it names several, they are listed and none is removed. A key pair is two
objects, its certificate a third.

  URI                   names the object; a private key only with type=private
  --yes                 do not ask. Without it, a terminal is needed
${tokenUsage}
  --format text|json    default text

Exit status: 0 removed, 1 refused, 2 wrong usage, 3 a device failed.

  ddscred remove 'pkcs11:token=HSM;object=alice;type=cert'
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    yes: { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const uri = oneTokenUri(args);
  if (!args.flag("yes") && !process.stdin.isTTY) throw new UsageError("without a terminal, say --yes");
  return await withTokens(args, async (wired) => {
    let isMeant = true;
    const status = await answering(format, async () => {
      const objects = await objectsOf(wired, uri);
      const [object] = objects.length === 1 ? objects : [];
      const name = object?.uri ?? redactUri(uri);
      // Of several none is removed, so nobody is asked.
      isMeant = args.flag("yes") || objects.length > 1 || (await confirmed(object, name));
      if (!isMeant) throw new CredentialError("ABORTED", "nothing was removed");
      await wired.tokens.remove(uri);
      const what = `${object?.kind ?? "object"} ${JSON.stringify(object?.label ?? "")}`;
      return { done: "removed", what, rows: [["was", name]], json: { removed: name, kind: object?.kind } };
    });
    return isMeant ? status : EXIT.no;
  });
}

/** What the URI names, where it can be seen. What it cannot be, and why, is told by removing it. */
async function objectsOf({ tokens }: Wired, uri: string): Promise<readonly CredentialDescription[]> {
  const found: CredentialDescription[] = [];
  for await (const description of tokens.list(uri)) if (description.kind !== "token") found.push(description);
  return found;
}

async function confirmed(object: CredentialDescription | undefined, name: string): Promise<boolean> {
  const warning = object?.kind === "private-key" ? "A private key cannot be had back. " : "";
  const facts = Object.entries(object?.details ?? {}).map(([key, value]) => `${key} ${brief(value, LABEL)}`);
  const told = facts.length === 0 ? "" : `  ${facts.join(", ")}\n`;
  process.stderr.write(`${object?.kind ?? "object"}  ${brief(name, URI)}\n${told}`);
  const line = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D, or the terminal is gone: no. Ctrl-C ends the program as it always does.
  const ended = new Promise<string>((resolve) => line.once("close", () => resolve("")));
  line.once("SIGINT", () => {
    line.close();
    process.kill(process.pid, "SIGINT");
  });
  const answer = await Promise.race([line.question(`${warning}Remove it? [y/N] `), ended]);
  line.close();
  return /^y(?:es)?$/i.test(answer.trim());
}
