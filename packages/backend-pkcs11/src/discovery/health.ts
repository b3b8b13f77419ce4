import { CredentialError, type HealthFinding, shellWord } from "@ddscred/core";
import type { PinState } from "../token/pin-state.ts";
import type { ModuleExamination, SlotExamination, TokenExamination } from "./examine.ts";

/** What stands between a program and the tokens behind a module, the worst of each token first. */
export function judgeModule(module: string, examination: ModuleExamination): readonly HealthFinding[] {
  const { manufacturer, description, slots } = examination;
  const tokens = slots.flatMap(({ token }) => (token?.isInitialised ? [token] : []));
  const name = [manufacturer, description].filter((part) => part !== "").join(" ");
  return [
    { severity: "info", message: `the module ${module} loads: ${name}` },
    ...(tokens.length === 0 ? [noToken(module, slots)] : []),
    ...tokens.flatMap((token) => [aboutToken(token), ...judgeToken(module, token)]),
    ...judgeSlots(module, slots),
    ...judgeLabels(tokens),
  ];
}

/** Why a module could not be examined. */
export function judgeFailure({ code, message, hint }: CredentialError): HealthFinding {
  // Without one of its own, a backend takes the module that each URI names.
  return { severity: code === "MODULE_REQUIRED" ? "warning" : "error", message, hint };
}

/** What is wrong with a token: the state of its PIN, and mechanisms that it lacks. */
export function judgeToken(module: string, token: TokenExamination): readonly HealthFinding[] {
  const { info, isLoginRequired, pin, signs } = token;
  const name = `the token ${JSON.stringify(info.label)}`;
  const findings: HealthFinding[] = [];
  // A token that wants no login, such as NSS's for computing alone, wants no PIN either.
  const state = pin === "not initialised" && !isLoginRequired ? undefined : pinStates[pin];
  if (state !== undefined) {
    const hint = state.hint.replace(/MODULE|LABEL/g, (word) =>
      shellWord(word === "LABEL" ? info.label : module),
    );
    findings.push({ severity: state.severity, message: `${name} ${state.message}`, hint });
  }
  if (signs !== undefined && !signs.ecdsa && !signs.rsaPss) {
    findings.push({
      severity: "warning",
      message: `${name} lists neither ECDSA nor RSA-PSS, with which DDS Security authenticates`,
      hint: "Use another token for the identity key; a list is not always true: `ddscred check` tries.",
    });
  }
  return findings;
}

/** Slots that do not work, that are empty, and whose token is not initialised. */
export function judgeSlots(module: string, slots: readonly SlotExamination[]): readonly HealthFinding[] {
  const broken = slots.filter(({ failure }) => failure !== undefined);
  const empty = slots.filter(({ token, failure }) => token === undefined && failure === undefined);
  const blank = slots.filter(({ token }) => token !== undefined && !token.isInitialised);
  const behind = `behind ${module}`;
  const findings = broken.map(({ slot, failure = "" }): HealthFinding => {
    const message = `the slot ${JSON.stringify(slot.slotDescription)} ${behind} failed: ${failure}`;
    return { severity: "warning", message, hint: "Check the reader and its token." };
  });
  if (empty.length > 0) {
    findings.push({
      severity: "info",
      message: `${count(empty.length, "slot")} ${behind} ${empty.length === 1 ? "holds" : "hold"} no token`,
      hint: "Connect the token, if one is missing (CKR_TOKEN_NOT_PRESENT).",
    });
  }
  // SoftHSM and TPMs have a blank one in reserve, always.
  const isReserve = slots.some(({ token }) => token?.isInitialised);
  if (blank.length > 0 && !isReserve) {
    const message = `${count(blank.length, "token")} ${behind} ${blank.length === 1 ? "is" : "are"} not initialised`;
    findings.push({ severity: "info", message, hint: initialiseHint(module, slots) });
  }
  return findings;
}

/** A label that two tokens share names neither. */
export function judgeLabels(tokens: readonly TokenExamination[]): readonly HealthFinding[] {
  const labels = tokens.map(({ info }) => info.label);
  const shared = new Set(labels.filter((label, index) => labels.indexOf(label) !== index));
  return [...shared].map((label) => {
    const uris = tokens.filter(({ info }) => info.label === label).map(({ uri }) => uri);
    const message = `several tokens have the label ${JSON.stringify(label)}, so token= alone names none of them`;
    return { severity: "warning", message, hint: `Add serial= to the URIs: ${uris.join(" or ")}` };
  });
}

/** A token in one line. */
export function tokenFacts({ info, isLoginRequired, pin, signs }: TokenExamination): string {
  const facts = [
    `${info.manufacturerID} ${info.model}`.trim(),
    info.serialNumber === "" ? "no serial number" : `serial ${info.serialNumber}`,
    isLoginRequired ? "login required" : "no login needed",
    `PIN ${pin}`,
    ...(signs === undefined ? [] : [`signs ${signatures(signs)}`]),
  ];
  return `the token ${JSON.stringify(info.label)}: ${facts.join(", ")}`;
}

/** How a token comes to be behind a module: in a slot that holds a blank one. */
export function initialiseHint(
  module: string,
  slots: readonly SlotExamination[],
  label = "DDSTestToken",
): string {
  const name = shellWord(label);
  if (/softhsm/i.test(module)) {
    return `\`softhsm2-util --init-token --free --label ${name}\` makes one; where tokens should be there, set SOFTHSM2_CONF to their configuration.`;
  }
  const blank = slots.find(({ token }) => token?.isInitialised === false)?.token?.info.slotId;
  if (blank === undefined) return "Connect the token; a new one is initialised with the vendor's tool.";
  const variable = /tpm2_?pkcs11/i.test(module)
    ? " Where tokens should be there, set TPM2_PKCS11_STORE to the folder of their store."
    : "";
  return `Connect the token; a new one is initialised with the vendor's tool, or \`pkcs11-tool --module ${shellWord(module)} --slot ${blank} --init-token --label ${name}\`.${variable}`;
}

function aboutToken(token: TokenExamination): HealthFinding {
  return { severity: "info", message: tokenFacts(token) };
}

function noToken(module: string, slots: readonly SlotExamination[]): HealthFinding {
  const message = `there is no initialised token behind ${module}`;
  return { severity: "error", message, hint: initialiseHint(module, slots) };
}

function signatures({ ecdsa, rsaPss, rsaPkcs1 }: NonNullable<TokenExamination["signs"]>): string {
  const names = [ecdsa && "ECDSA", rsaPss && "RSA-PSS", rsaPkcs1 && "RSA PKCS#1"].filter(
    (name) => name !== false,
  );
  return names.length === 0 ? "nothing that DDS needs" : names.join(", ");
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

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
