import { nearest } from "@ddscred/core";
import { UsageError } from "./exit.ts";
import type { Verb } from "./main.ts";

/** A verb whose first word says what is done; one file each, loaded when asked for. */
export function verbOfActions(actions: Readonly<Record<string, () => Promise<Verb>>>, usage: string): Verb {
  const loaderOf = (name: string) => (Object.hasOwn(actions, name) ? actions[name] : undefined);
  return {
    usage,
    help: async ([name = ""]) => (await loaderOf(name)?.())?.usage ?? usage,
    run: async ([name = "", ...args]) => {
      const load = loaderOf(name);
      if (load === undefined) {
        const [meant] = /^[a-z]{1,20}$/i.test(name) ? nearest(name, Object.keys(actions)) : [];
        const question = meant === undefined ? "" : `; did you mean ${meant}?`;
        throw new UsageError(`say what to do: ${Object.keys(actions).join(", ")}${question}`);
      }
      return await (await load()).run(args);
    },
  };
}
