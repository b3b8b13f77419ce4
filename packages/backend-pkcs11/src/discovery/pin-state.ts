import {
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
  return states.find(([flag]) => (flags & flag) !== 0)?.[1] ?? "ok";
}

const states = [
  [CKF_USER_PIN_LOCKED, "locked"],
  [CKF_USER_PIN_TO_BE_CHANGED, "to be changed"],
  [CKF_USER_PIN_FINAL_TRY, "final try"],
  [CKF_USER_PIN_COUNT_LOW, "count low"],
  [CKF_PROTECTED_AUTHENTICATION_PATH, "PIN pad"],
] as const;

const CKF_USER_PIN_INITIALIZED = 0x8;
