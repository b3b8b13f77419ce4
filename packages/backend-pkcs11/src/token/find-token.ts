import { matchesLibrary, matchesSlot, matchesToken, type Pkcs11Uri, selectOne } from "@ddscred/core";
import type { Module, Slot } from "../cryptoki/module.ts";
import { lookedBehind } from "../discovery/choose.ts";
import { limitsOf, type ModuleLimits } from "./known-modules.ts";
import { tokenUri } from "./names.ts";

export interface FoundToken {
  readonly module: Module;
  readonly slot: Slot;
  /** Of the module, in which the slot was seen. */
  readonly epoch: number;
  readonly limits: ModuleLimits;
}

/** The tokens that the URI names, among all that are there. */
export async function findTokens(
  module: Module,
  uri: Pkcs11Uri,
): Promise<{ matching: FoundToken[]; all: FoundToken[] }> {
  const library = await module.library();
  const ofLibrary = matchesLibrary(uri, library);
  const limits = limitsOf(library);
  const { epoch } = module;
  const all = (await module.slots()).map((slot): FoundToken => ({ module, slot, epoch, limits }));
  const matching = all.filter(
    ({ slot }) => ofLibrary && matchesSlot(uri, slot.info) && matchesToken(uri, slot.token),
  );
  return { matching, all };
}

/** The one token that the URI names: `TOKEN_NOT_FOUND`, `TOKEN_AMBIGUOUS`. A PIN never goes to several tokens. */
export async function findToken(module: Module, uri: Pkcs11Uri, text: string): Promise<FoundToken> {
  const { matching, all } = await findTokens(module, uri);
  const names = {
    uri: ({ slot }: FoundToken) => tokenUri(slot),
    label: ({ slot }: FoundToken) => slot.token.label,
  };
  return selectOne(matching, all, names, { uri: text, what: "token", where: lookedBehind(module) });
}
