import {
  initialiseHint,
  judgeLabels,
  judgeSlots,
  judgeToken,
  type TokenExamination,
  tokenFacts,
} from "@ddscred/backend-pkcs11";
import { CredentialError, type HealthFinding, shellWord } from "@ddscred/core";
import { type ExaminedModule, slotsIn, tokensIn } from "./modules.ts";
import { type DoctorFinding, finding, good, type TokenRow } from "./report.ts";

/** A token, and the module that it is behind. */
export interface PlacedToken {
  readonly token: TokenExamination;
  readonly module: string;
  readonly used: boolean;
}

export function tokensOf(examined: readonly ExaminedModule[]): readonly PlacedToken[] {
  return examined.flatMap(({ candidate, used, result }) =>
    tokensIn(result).map((token) => ({ token, module: candidate.path, used })),
  );
}

/**
 * One finding for each token in its state, and one for each slot that does not work.
 *
 * @param wanted the label of the token that is asked about
 */
export function judgeTokens(examined: readonly ExaminedModule[], wanted?: string): readonly DoctorFinding[] {
  const tokens = tokensOf(examined);
  const initialised = tokens.filter(({ token }) => token.isInitialised);
  return [
    ...initialised.flatMap(judgePlaced),
    ...examined
      .flatMap(({ candidate, result }) => judgeSlots(candidate.path, slotsIn(result)))
      .map(asFinding),
    ...judgeLabels(initialised.filter(({ used }) => used).map(({ token }) => token)).map(asFinding),
    ...judgeUsed(examined, wanted),
  ];
}

function judgePlaced({ token, module, used }: PlacedToken): DoctorFinding[] {
  const facts = good("token", `${tokenFacts(token)}${used ? "" : `, behind ${module}`}`);
  const odd = judgeToken(module, token).map((one) => asFinding(one));
  // What is wrong with a token that nobody uses stops nobody.
  return [facts, ...odd.map((one) => (used ? one : { ...one, severity: "warning" as const }))];
}

function judgeUsed(examined: readonly ExaminedModule[], wanted: string | undefined): DoctorFinding[] {
  const module = examined.find(({ used }) => used);
  if (module === undefined || module.result instanceof CredentialError) return [];
  if (tokensIn(module.result).some(({ isInitialised }) => isInitialised)) return [];
  const { path } = module.candidate;
  const elsewhere = tokensOf(examined).find(({ token }) => token.isInitialised)?.module;
  const message = `there is no initialised token behind ${path}, the module that is used`;
  const hint =
    elsewhere === undefined
      ? initialiseHint(path, module.result.slots, wanted)
      : `Use the module with a token: --module ${shellWord(elsewhere)}`;
  return [finding("error", "token", message, hint)];
}

export function tokenRows(examined: readonly ExaminedModule[]): TokenRow[] {
  return tokensOf(examined).map(({ token, module }) => ({
    module,
    slot: String(token.info.slotId ?? ""),
    label: token.info.label,
    manufacturer: token.info.manufacturerID,
    model: token.info.model,
    serial: token.info.serialNumber,
    uri: token.uri,
    initialised: token.isInitialised,
    loginRequired: token.isLoginRequired,
    pin: token.pin,
    ...(token.signs === undefined ? {} : { signs: token.signs }),
  }));
}

function asFinding({ severity, message, hint = "" }: HealthFinding): DoctorFinding {
  return finding(severity, "token", message, hint);
}
