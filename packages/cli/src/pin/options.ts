import type { Arguments } from "../options.ts";
import type { Wiring } from "../wiring.ts";
import { programPins } from "./pins.ts";

/** The options of every verb that may need a token. */
export const tokenOptions = { module: { type: "string" }, "pin-source": { type: "string" } } as const;

/** What they say, for {@link wire}. */
export function tokenWiring(args: Arguments): Pick<Wiring, "module" | "pin"> {
  return { module: args.text("module"), pin: programPins(args.text("pin-source")) };
}

/** Of `--pin-source`, for the usage of a verb. */
export const pinUsage = `  --pin-source SOURCE   where the PIN is that no URI holds: file:PATH, env:NAME,
                        fd:NUMBER, systemd:NAME, or '|PROGRAM ARGUMENTS'; for
                        the first token that wants one. Default: it is asked
                        for where there is a terminal`;
