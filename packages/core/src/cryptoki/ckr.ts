// Over 200 lines: the table of all return values, and what those mean that a user meets.

import type { ErrorCode } from "../errors/codes.ts";
import { CredentialError, type CredentialErrorDetails } from "../errors/credential-error.ts";

/** Names of the PKCS#11 return values up to 3.2 (PKCS#11 3.2 section 3, `CKR_...`), by number. */
const names: Readonly<Record<number, string>> = {
  0x000: "CKR_OK",
  0x001: "CKR_CANCEL",
  0x002: "CKR_HOST_MEMORY",
  0x003: "CKR_SLOT_ID_INVALID",
  0x005: "CKR_GENERAL_ERROR",
  0x006: "CKR_FUNCTION_FAILED",
  0x007: "CKR_ARGUMENTS_BAD",
  0x008: "CKR_NO_EVENT",
  0x009: "CKR_NEED_TO_CREATE_THREADS",
  0x00a: "CKR_CANT_LOCK",
  0x010: "CKR_ATTRIBUTE_READ_ONLY",
  0x011: "CKR_ATTRIBUTE_SENSITIVE",
  0x012: "CKR_ATTRIBUTE_TYPE_INVALID",
  0x013: "CKR_ATTRIBUTE_VALUE_INVALID",
  0x01b: "CKR_ACTION_PROHIBITED",
  0x020: "CKR_DATA_INVALID",
  0x021: "CKR_DATA_LEN_RANGE",
  0x030: "CKR_DEVICE_ERROR",
  0x031: "CKR_DEVICE_MEMORY",
  0x032: "CKR_DEVICE_REMOVED",
  0x040: "CKR_ENCRYPTED_DATA_INVALID",
  0x041: "CKR_ENCRYPTED_DATA_LEN_RANGE",
  0x042: "CKR_AEAD_DECRYPT_FAILED",
  0x050: "CKR_FUNCTION_CANCELED",
  0x051: "CKR_FUNCTION_NOT_PARALLEL",
  0x054: "CKR_FUNCTION_NOT_SUPPORTED",
  0x060: "CKR_KEY_HANDLE_INVALID",
  0x062: "CKR_KEY_SIZE_RANGE",
  0x063: "CKR_KEY_TYPE_INCONSISTENT",
  0x064: "CKR_KEY_NOT_NEEDED",
  0x065: "CKR_KEY_CHANGED",
  0x066: "CKR_KEY_NEEDED",
  0x067: "CKR_KEY_INDIGESTIBLE",
  0x068: "CKR_KEY_FUNCTION_NOT_PERMITTED",
  0x069: "CKR_KEY_NOT_WRAPPABLE",
  0x06a: "CKR_KEY_UNEXTRACTABLE",
  0x070: "CKR_MECHANISM_INVALID",
  0x071: "CKR_MECHANISM_PARAM_INVALID",
  0x082: "CKR_OBJECT_HANDLE_INVALID",
  0x090: "CKR_OPERATION_ACTIVE",
  0x091: "CKR_OPERATION_NOT_INITIALIZED",
  0x0a0: "CKR_PIN_INCORRECT",
  0x0a1: "CKR_PIN_INVALID",
  0x0a2: "CKR_PIN_LEN_RANGE",
  0x0a3: "CKR_PIN_EXPIRED",
  0x0a4: "CKR_PIN_LOCKED",
  0x0b0: "CKR_SESSION_CLOSED",
  0x0b1: "CKR_SESSION_COUNT",
  0x0b3: "CKR_SESSION_HANDLE_INVALID",
  0x0b4: "CKR_SESSION_PARALLEL_NOT_SUPPORTED",
  0x0b5: "CKR_SESSION_READ_ONLY",
  0x0b6: "CKR_SESSION_EXISTS",
  0x0b7: "CKR_SESSION_READ_ONLY_EXISTS",
  0x0b8: "CKR_SESSION_READ_WRITE_SO_EXISTS",
  0x0c0: "CKR_SIGNATURE_INVALID",
  0x0c1: "CKR_SIGNATURE_LEN_RANGE",
  0x0d0: "CKR_TEMPLATE_INCOMPLETE",
  0x0d1: "CKR_TEMPLATE_INCONSISTENT",
  0x0e0: "CKR_TOKEN_NOT_PRESENT",
  0x0e1: "CKR_TOKEN_NOT_RECOGNIZED",
  0x0e2: "CKR_TOKEN_WRITE_PROTECTED",
  0x0f0: "CKR_UNWRAPPING_KEY_HANDLE_INVALID",
  0x0f1: "CKR_UNWRAPPING_KEY_SIZE_RANGE",
  0x0f2: "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT",
  0x100: "CKR_USER_ALREADY_LOGGED_IN",
  0x101: "CKR_USER_NOT_LOGGED_IN",
  0x102: "CKR_USER_PIN_NOT_INITIALIZED",
  0x103: "CKR_USER_TYPE_INVALID",
  0x104: "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
  0x105: "CKR_USER_TOO_MANY_TYPES",
  0x110: "CKR_WRAPPED_KEY_INVALID",
  0x112: "CKR_WRAPPED_KEY_LEN_RANGE",
  0x113: "CKR_WRAPPING_KEY_HANDLE_INVALID",
  0x114: "CKR_WRAPPING_KEY_SIZE_RANGE",
  0x115: "CKR_WRAPPING_KEY_TYPE_INCONSISTENT",
  0x120: "CKR_RANDOM_SEED_NOT_SUPPORTED",
  0x121: "CKR_RANDOM_NO_RNG",
  0x130: "CKR_DOMAIN_PARAMS_INVALID",
  0x140: "CKR_CURVE_NOT_SUPPORTED",
  0x150: "CKR_BUFFER_TOO_SMALL",
  0x160: "CKR_SAVED_STATE_INVALID",
  0x170: "CKR_INFORMATION_SENSITIVE",
  0x180: "CKR_STATE_UNSAVEABLE",
  0x190: "CKR_CRYPTOKI_NOT_INITIALIZED",
  0x191: "CKR_CRYPTOKI_ALREADY_INITIALIZED",
  0x1a0: "CKR_MUTEX_BAD",
  0x1a1: "CKR_MUTEX_NOT_LOCKED",
  0x1b0: "CKR_NEW_PIN_MODE",
  0x1b1: "CKR_NEXT_OTP",
  0x1b5: "CKR_EXCEEDED_MAX_ITERATIONS",
  0x1b6: "CKR_FIPS_SELF_TEST_FAILED",
  0x1b7: "CKR_LIBRARY_LOAD_FAILED",
  0x1b8: "CKR_PIN_TOO_WEAK",
  0x1b9: "CKR_PUBLIC_KEY_INVALID",
  0x200: "CKR_FUNCTION_REJECTED",
  0x201: "CKR_TOKEN_RESOURCE_EXCEEDED",
  0x202: "CKR_OPERATION_CANCEL_FAILED",
  0x203: "CKR_KEY_EXHAUSTED",
  0x204: "CKR_PENDING",
  0x205: "CKR_SESSION_ASYNC_NOT_SUPPORTED",
  0x206: "CKR_SEED_RANDOM_REQUIRED",
  0x207: "CKR_OPERATION_NOT_VALIDATED",
  0x208: "CKR_TOKEN_NOT_INITIALIZED",
  0x209: "CKR_PARAMETER_SET_NOT_SUPPORTED",
};

const numbers: ReadonlyMap<string, number> = new Map(
  Object.entries(names).map(([rv, name]) => [name, Number(rv)]),
);

/** `CKR_PIN_INCORRECT` for 0xa0; `CKR_VENDOR_DEFINED_0x8000002f` for a vendor's; `CKR_0x...` for an unknown one. */
export function ckrName(rv: number): string {
  const unsigned = rv >>> 0;
  return (
    names[unsigned] ?? `CKR_${unsigned >= 0x80000000 ? "VENDOR_DEFINED_" : ""}0x${unsigned.toString(16)}`
  );
}

/** 0xa0 for `CKR_PIN_INCORRECT`; undefined for a name that is not in the table. */
export function ckrNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** What a return value means for a user, and whether the same call may succeed later. */
interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  /** Where the one of the code is too general. */
  readonly hint?: string;
  readonly retryable?: true;
}

/** Labels and ids that a token is bound to, and attributes that it wants otherwise. */
const OWN_RULES =
  "Some tokens take certain ids only (PIV: 01 to 04), or labels of some length: try id= and object= as the token's manual says.";
const NO_ROOM = "Remove what is not needed any more: `ddscred ls` lists it, `ddscred remove URI` removes it.";

const meanings: Readonly<Record<string, Meaning>> = {
  CKR_PIN_INCORRECT: { code: "PIN_INCORRECT", message: "the token refused the PIN" },
  CKR_PIN_INVALID: { code: "PIN_INCORRECT", message: "the PIN has characters that the token does not take" },
  CKR_PIN_LEN_RANGE: { code: "PIN_INCORRECT", message: "the PIN is too short or too long for the token" },
  CKR_PIN_LOCKED: { code: "PIN_LOCKED", message: "the PIN is locked after too many wrong attempts" },
  CKR_PIN_EXPIRED: { code: "PIN_REFUSED", message: "the PIN has expired and must be changed" },
  CKR_USER_PIN_NOT_INITIALIZED: { code: "PIN_REFUSED", message: "the token has no user PIN yet" },
  CKR_USER_NOT_LOGGED_IN: { code: "PIN_REQUIRED", message: "the token wants a login for this" },
  CKR_TOKEN_NOT_PRESENT: { code: "TOKEN_REMOVED", message: "there is no token in the slot", retryable: true },
  CKR_TOKEN_NOT_RECOGNIZED: { code: "TOKEN_REMOVED", message: "the token in the slot is not recognised" },
  CKR_DEVICE_REMOVED: { code: "TOKEN_REMOVED", message: "the token was removed", retryable: true },
  CKR_DEVICE_ERROR: { code: "DEVICE_ERROR", message: "the device reported an error", retryable: true },
  CKR_DEVICE_MEMORY: { code: "DEVICE_ERROR", message: "the device is out of memory", hint: NO_ROOM },
  CKR_GENERAL_ERROR: {
    code: "DEVICE_ERROR",
    message: "the module reported a general error",
    retryable: true,
  },
  CKR_FUNCTION_FAILED: {
    code: "DEVICE_ERROR",
    message: "the module could not do what was asked",
    retryable: true,
  },
  CKR_SESSION_HANDLE_INVALID: { code: "SESSION_LOST", message: "the session is gone", retryable: true },
  CKR_SESSION_CLOSED: { code: "SESSION_LOST", message: "the session was closed", retryable: true },
  CKR_SESSION_COUNT: { code: "SESSION_LOST", message: "the token has no session left", retryable: true },
  CKR_CRYPTOKI_NOT_INITIALIZED: {
    code: "SESSION_LOST",
    message: "the module was shut down",
    retryable: true,
  },
  CKR_MECHANISM_INVALID: { code: "MECHANISM_UNSUPPORTED", message: "the token does not know the mechanism" },
  CKR_MECHANISM_PARAM_INVALID: {
    code: "MECHANISM_UNSUPPORTED",
    message: "the token refuses the mechanism's parameters",
  },
  CKR_KEY_TYPE_INCONSISTENT: {
    code: "MECHANISM_UNSUPPORTED",
    message: "the key is of another type than the mechanism",
  },
  CKR_KEY_FUNCTION_NOT_PERMITTED: {
    code: "MECHANISM_UNSUPPORTED",
    message: "the key may not be used to sign",
  },
  CKR_PIN_TOO_WEAK: { code: "PIN_REFUSED", message: "the token wants a longer or more varied PIN" },
  CKR_USER_ANOTHER_ALREADY_LOGGED_IN: {
    code: "PIN_REFUSED",
    message: "somebody else is logged in on the token, in this process",
    hint: "A process has one login on a token: end the security officer's first.",
  },
  CKR_TOKEN_NOT_INITIALIZED: {
    code: "TOKEN_ERROR",
    message: "the token is not initialised",
    hint: "Initialise it with the vendor's tool, or `pkcs11-tool --init-token`.",
  },
  CKR_SLOT_ID_INVALID: {
    code: "TOKEN_ERROR",
    message: "the slot is not there any more",
    hint: "Slots change their numbers: name the token by token= and serial=, not by slot-id=.",
  },
  CKR_HOST_MEMORY: { code: "DEVICE_ERROR", message: "the module found no memory in this machine" },
  CKR_CANT_LOCK: { code: "MODULE_FAILED", message: "the module cannot be used by several threads" },
  CKR_NEED_TO_CREATE_THREADS: {
    code: "MODULE_FAILED",
    message: "the module wants to create threads, and may not",
  },
  CKR_LIBRARY_LOAD_FAILED: {
    code: "MODULE_FAILED",
    message: "the module could not load a library that it needs",
    hint: "See what `ldd` says of the module, and its manual about its configuration.",
  },
  CKR_FIPS_SELF_TEST_FAILED: {
    code: "DEVICE_ERROR",
    message: "the self-test of the token failed",
    hint: "Start the token anew; where that does not help, it is broken.",
  },
  CKR_DATA_LEN_RANGE: {
    code: "MECHANISM_UNSUPPORTED",
    message: "the token takes no data of this length by the mechanism",
  },
  CKR_KEY_EXHAUSTED: {
    code: "MECHANISM_UNSUPPORTED",
    message: "the key has made all the signatures that it may make",
    hint: "Make a new key, and have a certificate issued for it.",
  },
  CKR_KEY_HANDLE_INVALID: { code: "TOKEN_ERROR", message: "the key is gone" },
  CKR_OBJECT_HANDLE_INVALID: { code: "TOKEN_ERROR", message: "the object is gone" },
  CKR_OPERATION_NOT_INITIALIZED: {
    code: "TOKEN_ERROR",
    message: "the session has lost the operation that was under way",
    retryable: true,
  },
  CKR_OPERATION_ACTIVE: { code: "TOKEN_ERROR", message: "another operation is under way on the session" },
  CKR_TOKEN_WRITE_PROTECTED: { code: "TOKEN_READ_ONLY", message: "the token is write-protected" },
  CKR_SESSION_READ_ONLY: { code: "TOKEN_READ_ONLY", message: "the token gives sessions for reading only" },
  CKR_TOKEN_RESOURCE_EXCEEDED: { code: "DEVICE_ERROR", message: "the token has no room left", hint: NO_ROOM },
  CKR_DOMAIN_PARAMS_INVALID: { code: "KEY_UNSUPPORTED", message: "the token does not know the curve" },
  CKR_CURVE_NOT_SUPPORTED: { code: "KEY_UNSUPPORTED", message: "the token does not know the curve" },
  CKR_KEY_SIZE_RANGE: { code: "KEY_UNSUPPORTED", message: "the token takes no key of this size" },
  CKR_TEMPLATE_INCONSISTENT: {
    code: "TOKEN_ERROR",
    message: "the token refuses this combination of attributes",
    hint: OWN_RULES,
  },
  CKR_TEMPLATE_INCOMPLETE: {
    code: "TOKEN_ERROR",
    message: "the token wants further attributes",
    hint: OWN_RULES,
  },
  CKR_ATTRIBUTE_VALUE_INVALID: {
    code: "TOKEN_ERROR",
    message: "the token refuses the value of an attribute",
    hint: OWN_RULES,
  },
  CKR_ATTRIBUTE_TYPE_INVALID: {
    code: "TOKEN_ERROR",
    message: "the token does not know an attribute",
    hint: OWN_RULES,
  },
  CKR_ATTRIBUTE_READ_ONLY: {
    code: "TOKEN_ERROR",
    message: "the token sets an attribute by itself",
    hint: OWN_RULES,
  },
  CKR_ACTION_PROHIBITED: {
    code: "TOKEN_ERROR",
    message: "the token does not allow this with the object",
    hint: "The vendor's tool may be allowed to; the token was told to keep the object as it is.",
  },
  CKR_FUNCTION_NOT_SUPPORTED: {
    code: "UNSUPPORTED",
    message: "the module has no such function",
    hint: "Do it with the vendor's tool.",
  },
};

/** A CredentialError for a PKCS#11 function that did not return CKR_OK. */
export function tokenError(rv: string, call: string, details: CredentialErrorDetails = {}): CredentialError {
  const meaning: Meaning = meanings[rv] ?? { code: "TOKEN_ERROR", message: "the token refused the call" };
  return new CredentialError(meaning.code, `${meaning.message} (${call}: ${rv})`, {
    retryable: meaning.retryable ?? false,
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    ...details,
    rv,
    call,
  });
}
