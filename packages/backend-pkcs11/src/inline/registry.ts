import type { BorrowedModule } from "../cryptoki/module.ts";
import { loadBinding } from "./binding.ts";
import { InlineModule } from "./inline-module.ts";
import { moduleFile } from "./module-file.ts";

/**
 * The modules of this process, each once, by real path. Cryptoki counts C_Initialize per process, not per
 * user, so whoever finalises must know that nobody else is left: they all borrow the module here.
 */
const registry = new Map<string, Entry>();

interface Entry {
  module: InlineModule | undefined;
  users: number;
  /** The last step that was begun: initialising and finalising take turns. */
  turn: Promise<unknown>;
}

/**
 * Borrows the module at a path, loading and initialising it where nobody has yet.
 *
 * `BINDING_UNAVAILABLE`, `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE`, `MODULE_NOT_PKCS11`, `MODULE_FAILED`.
 */
export async function borrowModule(path: string): Promise<BorrowedModule> {
  const real = moduleFile(path);
  const binding = await loadBinding();
  const entry = registry.get(real) ?? { module: undefined, users: 0, turn: Promise.resolve() };
  registry.set(real, entry);
  return await inTurn(entry, async () => {
    const module = (entry.module ??= new InlineModule(binding, real));
    module.initialise();
    entry.users++;
    return { module, release: () => giveBack(entry, module) };
  });
}

async function giveBack(entry: Entry, module: InlineModule): Promise<void> {
  await inTurn(entry, async () => {
    if (--entry.users === 0) await module.finalise();
  });
}

async function inTurn<T>(entry: Entry, step: () => Promise<T>): Promise<T> {
  const mine = entry.turn.then(step, step);
  entry.turn = mine;
  return await mine;
}
