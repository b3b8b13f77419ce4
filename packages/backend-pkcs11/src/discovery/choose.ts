import { CredentialError, matchesToken, type Pkcs11Uri, redactUri, type TokenInfo } from "@ddscred/core";
import type { Module } from "../cryptoki/module.ts";
import type { Discovery, ModuleCandidate } from "./discover.ts";

/**
 * The module for a URI that names none, where none is configured: the first that was found and exists; but the one that
 * the environment names must. The modules of p11-kit's files stand beside one another, not one before the other: of them
 * it is the first with a token that the URI names, or else with any.
 *
 * `MODULE_REQUIRED` where nothing was found, `MODULE_NOT_FOUND`, and what opening a module may throw.
 *
 * @param fits whether the URI lets a module be it (`module-name`)
 */
export async function chooseModule(
  uri: Pkcs11Uri,
  { candidates, searched }: Discovery,
  fits: (path: string) => boolean,
  open: (candidate: ModuleCandidate) => Promise<Module>,
): Promise<Module> {
  const named = candidates.filter(({ path }) => fits(path));
  const fitting = named.filter(({ exists }) => exists);
  const [first] = fitting;
  // Another module may know another token of that name, which would get the PIN, or the new key.
  const [meant] = named;
  if (meant?.exists === false && meant.origin.kind === "environment") throw notThere(meant);
  if (first === undefined) {
    const why = [
      ...searched,
      ...(candidates.some(({ exists }) => exists) ? ["no other has the module-name of the URI"] : []),
    ];
    throw new CredentialError(
      "MODULE_REQUIRED",
      `no PKCS#11 module was named, and none found: ${why.join("; ")}`,
    );
  }
  const isOne = first.origin.kind !== "p11-kit";
  const chosen = isOne ? await open(first) : await amongP11Kit(uri, fitting, first, open);
  places.set(chosen, placesOf(isOne ? [first] : fitting));
  return chosen;
}

function notThere({ path, origin: { where } }: ModuleCandidate): CredentialError {
  return new CredentialError(
    "MODULE_NOT_FOUND",
    `there is no PKCS#11 module at ${path}, which ${where} names`,
    {
      hint: `Correct ${where}, or unset it.`,
    },
  );
}

/** Where tokens were looked for, and who names the modules, in words; undefined for a module that nobody looked for. */
export function lookedBehind(module: Module): string | undefined {
  return places.get(module);
}

const places = new WeakMap<Module, string>();

function placesOf(candidates: readonly ModuleCandidate[]): string {
  const shown = candidates
    .slice(0, MAX_PLACES)
    .map(({ path, origin: { where } }) => `${redactUri(path)} (named by ${where})`);
  const more = candidates.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const MAX_PLACES = 8;

async function amongP11Kit(
  uri: Pkcs11Uri,
  fitting: readonly ModuleCandidate[],
  first: ModuleCandidate,
  open: (candidate: ModuleCandidate) => Promise<Module>,
): Promise<Module> {
  let withTokens: ModuleCandidate | undefined;
  for (const candidate of fitting) {
    const tokens = await tokensBehind(candidate, open);
    if (tokens.some((token) => matchesToken(uri, token))) return await open(candidate);
    if (tokens.length > 0) withTokens ??= candidate;
  }
  return await open(withTokens ?? first);
}

/** None where the module fails: it does not hide the others. */
async function tokensBehind(
  candidate: ModuleCandidate,
  open: (candidate: ModuleCandidate) => Promise<Module>,
): Promise<readonly TokenInfo[]> {
  try {
    return (await (await open(candidate)).slots()).map(({ token }) => token);
  } catch (error) {
    if (error instanceof CredentialError) return [];
    throw error;
  }
}
