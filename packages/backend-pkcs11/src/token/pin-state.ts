import {
  CKF_LOGIN_REQUIRED,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_USER_PIN_COUNT_LOW,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_LOCKED,
  CKF_USER_PIN_TO_BE_CHANGED,
} from "../cryptoki/constants.ts";

/** What a token says of its user's PIN; the worst that applies. */
export type PinState =
  | "not initialised"
  | "locked"
  | "to be changed"
  | "final try"
  | "count low"
  | "PIN pad"
  | "ok";

/** @param flags of CK_TOKEN_INFO (PKCS#11 2.40 section 3.2) */
export function pinState(flags: number): PinState {
  if ((flags & CKF_USER_PIN_INITIALIZED) === 0) return "not initialised";
  return rowOf(flags)?.state ?? "ok";
}

/** The same in a few words, for a list of tokens. */
export function pinSummary(flags: number): string {
  if ((flags & CKF_LOGIN_REQUIRED) === 0) return "not needed";
  return rowOf(flags)?.summary ?? "ready";
}

/** Why no PIN is sent to a token in this state, and what to do about it; undefined where one may be. */
export function pinObstacle(flags: number, allowFinalTry: boolean): PinObstacle | undefined {
  const rows = states.filter(
    ({ flag, state }) => (flags & flag) !== 0 && !(allowFinalTry && state === "final try"),
  );
  return rows.find(({ obstacle }) => obstacle !== undefined)?.obstacle;
}

export interface PinObstacle {
  readonly code: "PIN_LOCKED" | "PIN_REFUSED";
  /** To follow the name of the token. */
  readonly message: string;
  readonly hint?: string;
}

/** What a refused PIN left behind, to follow a message about it. */
export function attemptsLeft(flags: number): string {
  return (
    states.find(({ flag, afterwards }) => (flags & flag) !== 0 && afterwards !== undefined)?.afterwards ?? ""
  );
}

interface Row {
  readonly flag: number;
  readonly state: PinState;
  readonly summary: string;
  readonly obstacle?: PinObstacle;
  readonly afterwards?: string;
}

/** By how bad they are. */
const states: readonly Row[] = [
  {
    flag: CKF_USER_PIN_LOCKED,
    state: "locked",
    summary: "locked",
    obstacle: { code: "PIN_LOCKED", message: "has a PIN that is locked; it was not tried" },
    afterwards: "; the PIN is locked now",
  },
  {
    flag: CKF_USER_PIN_TO_BE_CHANGED,
    state: "to be changed",
    summary: "must be changed",
    obstacle: {
      code: "PIN_REFUSED",
      message: "wants its PIN to be changed first",
      hint: "Change the PIN with the vendor's tool.",
    },
  },
  {
    flag: CKF_USER_PIN_FINAL_TRY,
    state: "final try",
    summary: "one attempt left",
    obstacle: {
      code: "PIN_REFUSED",
      message: "is locked by one more wrong PIN, so none is tried",
      hint: "Log in once with the vendor's tool, such as `pkcs11-tool --login`: a correct PIN resets the count.",
    },
    afterwards: "; one attempt is left",
  },
  {
    flag: CKF_USER_PIN_COUNT_LOW,
    state: "count low",
    summary: "wrong PINs were tried",
    afterwards: "; few attempts are left",
  },
  {
    flag: CKF_PROTECTED_AUTHENTICATION_PATH,
    state: "PIN pad",
    summary: "by PIN pad",
    obstacle: {
      code: "PIN_REFUSED",
      message: "takes its PIN on a PIN pad, which cannot be used from here",
      hint: "Use a token or a reader that takes the PIN from the program.",
    },
  },
];

const rowOf = (flags: number): Row | undefined => states.find(({ flag }) => (flags & flag) !== 0);

const CKF_USER_PIN_INITIALIZED = 0x8;
