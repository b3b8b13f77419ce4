import type { CredentialError, Secret } from "@ddscred/core";
import {
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKS_RO_USER_FUNCTIONS,
  CKS_RW_USER_FUNCTIONS,
  CKU_USER,
} from "../cryptoki/constants.ts";
import type { SessionAccess } from "../cryptoki/module.ts";
import type { NativeModule } from "./binding.ts";
import { native } from "./native-error.ts";

/** Opens sessions and closes them, logs in and out. */
export class NativeSessions {
  readonly #native: NativeModule;

  constructor(nativeModule: NativeModule) {
    this.#native = nativeModule;
  }

  open(slot: Buffer, access: SessionAccess): Buffer {
    const open = (flags: number): Buffer =>
      native("C_OpenSession", () => this.#native.C_OpenSession(slot, CKF_SERIAL_SESSION | flags));
    return access === "write" ? open(CKF_RW_SESSION) : openToRead(open);
  }

  close(session: Buffer): void {
    native("C_CloseSession", () => this.#native.C_CloseSession(session));
  }

  isLoggedIn(session: Buffer): boolean {
    const { state } = native("C_GetSessionInfo", () => this.#native.C_GetSessionInfo(session));
    return state === CKS_RO_USER_FUNCTIONS || state === CKS_RW_USER_FUNCTIONS;
  }

  /** As the normal user. */
  login(session: Buffer, pin: Secret): void {
    native("C_Login", () => this.#native.C_Login(session, CKU_USER, pin.reveal()));
  }

  logout(session: Buffer): void {
    native("C_Logout", () => this.#native.C_Logout(session));
  }
}

/** Some modules, that of AWS CloudHSM among them, know no session that only reads. */
function openToRead(open: (flags: number) => Buffer): Buffer {
  try {
    return open(0);
  } catch (error) {
    if (!refusesReading.has((error as CredentialError).rv ?? "")) throw error;
    return open(CKF_RW_SESSION);
  }
}

/**
 * How they say it. Beside a session of the security officer none may only read (CKR_SESSION_READ_WRITE_SO_EXISTS), and
 * public objects can be read in one that writes. CKR_SESSION_PARALLEL_NOT_SUPPORTED is about another flag.
 */
const refusesReading: ReadonlySet<string> = new Set([
  "CKR_FUNCTION_FAILED",
  "CKR_ARGUMENTS_BAD",
  "CKR_FUNCTION_NOT_SUPPORTED",
  "CKR_SESSION_READ_ONLY",
  "CKR_SESSION_READ_WRITE_SO_EXISTS",
]);
