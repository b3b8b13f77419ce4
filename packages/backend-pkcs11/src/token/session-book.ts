import type { Slot } from "../cryptoki/module.ts";
import { TokenSessions } from "./token-sessions.ts";

/** The sessions on the tokens of one module, for all who use the same instance of it. */
export class SessionBook {
  readonly #tokens = new Map<string, TokenSessions>();

  /** @param epoch of the module, in which the slot was seen */
  on(slot: Slot, epoch: number): TokenSessions {
    const { serialNumber, label } = slot.token;
    const key = JSON.stringify([epoch, String(slot.id), serialNumber, label]);
    const sessions =
      this.#tokens.get(key) ?? new TokenSessions(slot, epoch, () => void this.#tokens.delete(key));
    this.#tokens.set(key, sessions);
    return sessions;
  }
}
