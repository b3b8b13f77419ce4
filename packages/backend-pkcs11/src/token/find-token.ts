import { matchesLibrary, matchesSlot, matchesToken, type Pkcs11Uri, selectOne } from "@ddscred/core";
import type { Module, Slot } from "../cryptoki/module.ts";
import { tokenUri } from "./names.ts";

export interface FoundToken {
  readonly module: Module;
  readonly slot: Slot;
}

/** The tokens that the URI names, among all that are there. */
export async function findTokens(
  modules: readonly Module[],
  uri: Pkcs11Uri,
): Promise<{ matching: FoundToken[]; all: FoundToken[] }> {
  const all: FoundToken[] = [];
  const matching: FoundToken[] = [];
  for (const module of modules) {
    const ofLibrary = matchesLibrary(uri, await module.library());
    for (const slot of await module.slots()) {
      all.push({ module, slot });
      if (ofLibrary && matchesSlot(uri, slot.info) && matchesToken(uri, slot.token)) {
        matching.push({ module, slot });
      }
    }
  }
  return { matching, all };
}

/** The one token that the URI names: `TOKEN_NOT_FOUND`, `TOKEN_AMBIGUOUS`. A PIN never goes to several tokens. */
export async function findToken(
  modules: readonly Module[],
  uri: Pkcs11Uri,
  text: string,
): Promise<FoundToken> {
  const { matching, all } = await findTokens(modules, uri);
  const names = {
    uri: ({ slot }: FoundToken) => tokenUri(slot),
    label: ({ slot }: FoundToken) => slot.token.label,
  };
  return selectOne(matching, all, names, { uri: text, what: "token" });
}
