import type { Module, Slot, TokenState } from "../cryptoki/module.ts";

/** The slot in which the token of a slot is now; undefined where it is in none, or several say that they are it. */
export async function findSame(module: Module, { id, token }: Slot): Promise<Slot | undefined> {
  const same = (await module.slots()).filter((slot) => isSame(slot.token, token));
  return same.length === 1 ? same[0] : same.find((slot) => slot.id === id);
}

function isSame(a: TokenState, b: TokenState): boolean {
  return identity.every((field) => a[field] === b[field]);
}

const identity = ["label", "serialNumber", "manufacturerID", "model"] as const;
