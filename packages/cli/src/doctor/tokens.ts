import type { PinState, TokenExamination } from "@ddscred/backend-pkcs11";
import { CredentialError } from "@ddscred/core";
import { type ExaminedModule, slotsIn, tokensIn } from "./modules.ts";
import { type DoctorFinding, finding, good, shellWord, type TokenRow } from "./report.ts";

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

/** One finding for each token in its state, and one for each slot that does not work. */
export function judgeTokens(examined: readonly ExaminedModule[]): readonly DoctorFinding[] {
  const tokens = tokensOf(examined);
  const initialised = tokens.filter(({ token }) => token.isInitialised);
  return [
    ...initialised.flatMap(judgeToken),
    ...examined.flatMap(judgeSlots),
    ...judgeLabels(initialised.filter(({ used }) => used)),
    ...judgeUsed(examined),
  ];
}

function judgeToken({ token, module, used }: PlacedToken): DoctorFinding[] {
  const { info, isLoginRequired, pin, signs } = token;
  const name = `the token ${named(token)}`;
  const facts = [
    `${info.manufacturerID} ${info.model}`.trim(),
    info.serialNumber === "" ? "no serial number" : `serial ${info.serialNumber}`,
    isLoginRequired ? "login required" : "no login needed",
    `PIN ${pin}`,
    ...(signs === undefined ? [] : [`signs ${signatures(signs)}`]),
    ...(used ? [] : [`behind ${module}`]),
  ];
  const findings = [good("token", `${name}: ${facts.join(", ")}`)];
  const state = pinStates[pin];
  if (state !== undefined) {
    const severity = used ? state.severity : "warning";
    const hint = state.hint.replace(/MODULE|LABEL/g, (word) =>
      shellWord(word === "LABEL" ? info.label : module),
    );
    findings.push(finding(severity, "token", `${name} ${state.message}`, hint));
  }
  if (signs !== undefined && !signs.ecdsa && !signs.rsaPss) {
    const message = `${name} lists neither ECDSA nor RSA-PSS, with which DDS Security authenticates`;
    const hint = "Use another token for the identity key; a list is not always true: `ddscred check` tries.";
    findings.push(finding("warning", "token", message, hint));
  }
  return findings;
}

function judgeSlots({ candidate, result }: ExaminedModule): DoctorFinding[] {
  const slots = slotsIn(result);
  const broken = slots.filter(({ failure }) => failure !== undefined);
  const empty = slots.filter(({ token, failure }) => token === undefined && failure === undefined);
  const blank = slots.filter(({ token }) => token !== undefined && !token.isInitialised);
  const behind = `behind ${candidate.path}`;
  const findings = broken.map(({ slot, failure = "" }) =>
    finding(
      "warning",
      "token",
      `the slot ${JSON.stringify(slot.slotDescription)} ${behind} failed: ${failure}`,
      "Check the reader and its token.",
    ),
  );
  if (empty.length > 0) {
    const message = `${count(empty.length, "slot")} ${behind} ${empty.length === 1 ? "holds" : "hold"} no token`;
    findings.push(
      finding("info", "token", message, "Connect the token, if one is missing (CKR_TOKEN_NOT_PRESENT)."),
    );
  }
  // SoftHSM has a blank one in reserve, always.
  const isReserve = /softhsm/i.test(candidate.path) && slots.length > blank.length;
  if (blank.length > 0 && !isReserve) {
    const message = `${count(blank.length, "token")} ${behind} ${blank.length === 1 ? "is" : "are"} not initialised`;
    findings.push(finding("info", "token", message, initialiseHint(candidate.path)));
  }
  return findings;
}

/** A label that two tokens share names neither. */
function judgeLabels(tokens: readonly PlacedToken[]): DoctorFinding[] {
  const labels = tokens.map(({ token }) => token.info.label);
  const shared = new Set(labels.filter((label, index) => labels.indexOf(label) !== index));
  return [...shared].map((label) => {
    const uris = tokens.filter(({ token }) => token.info.label === label).map(({ token }) => token.uri);
    const message = `several tokens have the label ${JSON.stringify(label)}, so token= alone names none of them`;
    return finding("warning", "token", message, `Add serial= to the URIs: ${uris.join(" or ")}`);
  });
}

function judgeUsed(examined: readonly ExaminedModule[]): DoctorFinding[] {
  const module = examined.find(({ used }) => used);
  if (module === undefined || module.result instanceof CredentialError) return [];
  if (tokensIn(module.result).some(({ isInitialised }) => isInitialised)) return [];
  const { path } = module.candidate;
  const elsewhere = tokensOf(examined).find(({ token }) => token.isInitialised)?.module;
  const message = `there is no initialised token behind ${path}, the module that is used`;
  const hint =
    elsewhere === undefined
      ? initialiseHint(path)
      : `Use the module with a token: --module ${shellWord(elsewhere)}`;
  return [finding("error", "token", message, hint)];
}

function initialiseHint(module: string): string {
  return /softhsm/i.test(module)
    ? "`softhsm2-util --init-token --free --label DDSTestToken` makes one; where tokens should be there, set SOFTHSM2_CONF to their configuration."
    : `Connect the token; a new one is initialised with the vendor's tool, or \`pkcs11-tool --module ${shellWord(module)} --init-token --label DDSTestToken\`.`;
}

/** What to do about the PIN, where something must be done. */
const pinStates: Readonly<
  Partial<Record<PinState, { severity: "warning" | "error"; message: string; hint: string }>>
> = {
  "not initialised": {
    severity: "error",
    message: "has no user PIN yet: nobody can log in",
    hint: "Set it as security officer: `pkcs11-tool --module MODULE --token-label LABEL --login --login-type so --init-pin`.",
  },
  locked: {
    severity: "error",
    message: "is locked after too many wrong PINs",
    hint: "Unlock it with the PUK or the security officer's PIN: `pkcs11-tool --module MODULE --token-label LABEL --login --login-type so --init-pin`.",
  },
  "to be changed": {
    severity: "error",
    message: "wants its PIN to be changed before it is used",
    hint: "`pkcs11-tool --module MODULE --token-label LABEL --login --change-pin`",
  },
  "final try": {
    severity: "error",
    message: "is locked by one more wrong PIN, so ddscred tries none",
    hint: "Log in once with the right PIN, which resets the count: `pkcs11-tool --module MODULE --token-label LABEL --login --list-objects`.",
  },
  "count low": {
    severity: "warning",
    message: "was given a wrong PIN, and has few attempts left",
    hint: "Find out which configuration has the wrong PIN; a right one resets the count.",
  },
  "PIN pad": {
    severity: "warning",
    message: "takes its PIN on a PIN pad, which ddscred and an unattended participant cannot use",
    hint: "Use a token or a reader that takes the PIN from the program.",
  },
};

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

function signatures({ ecdsa, rsaPss, rsaPkcs1 }: NonNullable<TokenExamination["signs"]>): string {
  const names = [ecdsa && "ECDSA", rsaPss && "RSA-PSS", rsaPkcs1 && "RSA PKCS#1"].filter(
    (name) => name !== false,
  );
  return names.length === 0 ? "nothing that DDS needs" : names.join(", ");
}

const named = ({ info }: TokenExamination) => JSON.stringify(info.label);
const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
