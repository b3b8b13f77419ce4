import { CredentialError } from "@ddscred/core";

/** What is started for its first user, and ended after its last. */
export interface Shared {
  initialise(): void | Promise<void>;
  finalise(): Promise<void>;
}

/**
 * The modules of this process, each once. Cryptoki counts C_Initialize per process, not per user, so whoever
 * finalises must know that nobody else is left: they all borrow the module here.
 */
export class Registry<T extends Shared> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * Borrows what is known under a name, initialising it where nobody has yet.
   *
   * @param make it, the first time; it is kept for the life of the process, or until it is wanted with other parameters
   * @param parameters with which it is made; `MODULE_FAILED` where somebody uses it with others
   * @param initialise starts it
   */
  async borrow(
    name: string,
    make: () => T,
    parameters?: string,
    initialise: (shared: T) => void | Promise<void> = (shared) => shared.initialise(),
  ): Promise<{ shared: T; release(): Promise<void> }> {
    const entry = this.#entries.get(name) ?? {
      shared: undefined,
      parameters,
      users: 0,
      turn: Promise.resolve(),
    };
    this.#entries.set(name, entry);
    return await inTurn(entry, async () => {
      if (parameters !== undefined && parameters !== entry.parameters) {
        if (entry.users > 0) throw hasOthers(name);
        entry.shared = undefined;
        entry.parameters = parameters;
      }
      const shared = (entry.shared ??= make());
      await initialise(shared);
      entry.users++;
      return { shared, release: () => giveBack(entry, shared) };
    });
  }
}

interface Entry<T> {
  shared: T | undefined;
  parameters: string | undefined;
  users: number;
  /** The last step that was begun: initialising and finalising take turns. */
  turn: Promise<unknown>;
}

async function giveBack(entry: Entry<Shared>, shared: Shared): Promise<void> {
  await inTurn(entry, async () => {
    if (--entry.users === 0) await shared.finalise();
  });
}

function hasOthers(name: string): CredentialError {
  const message = `the PKCS#11 module ${name} is in use with other parameters in this process`;
  return new CredentialError("MODULE_FAILED", message, {
    hint: "A process starts a module once: give the same libraryParameters to all backends.",
  });
}

async function inTurn<T>(entry: Entry<Shared>, step: () => Promise<T>): Promise<T> {
  const mine = entry.turn.then(step, step);
  entry.turn = mine;
  return await mine;
}
