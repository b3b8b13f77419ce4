import type { LibraryInfo, Secret, SlotInfo, TokenInfo } from "@ddscred/core";
import type { LoginBook } from "../token/login-book.ts";
import type { SessionBook } from "../token/session-book.ts";
import type { ModuleReport } from "./report.ts";
import type { AttributeName, Attributes, Template } from "./template.ts";

/**
 * A loaded and initialised PKCS#11 module, as the rest of this package sees it. It is coarse on purpose (one
 * signature is one call), so that the module can also live in another process.
 *
 * Every method throws CredentialError alone: with `rv` and `call` where the module refused.
 */
export interface Module {
  /** Its real path. */
  readonly path: string;
  /** Grows whenever all handles given so far have died. */
  readonly epoch: number;
  /** Who is logged in where; shared by all who use the same instance of the module. */
  readonly logins: LoginBook;
  /** Their sessions, shared alike. */
  readonly shared: SessionBook;
  /** How many operations at once it is worth to give it. */
  readonly sessions: number;
  /** Milliseconds that a call may take, and a login three times as long; Infinity where nothing ends a call. */
  readonly deadline: number;

  /**
   * Starts the module anew, where that can be done without harm, and does nothing where it cannot: some heal
   * in no other way after their device was lost. `MODULE_FAILED`.
   *
   * @param epoch in which it failed; nothing happens where that is over
   */
  restart(epoch: number): Promise<void>;

  /** C_GetInfo */
  library(): Promise<LibraryInfo>;
  /** All that it says of itself, for a person to read: C_GetInfo to C_GetMechanismList. */
  examine(): Promise<ModuleReport>;
  /** The slots that hold an initialised token: C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo. */
  slots(): Promise<readonly Slot[]>;
  /** The token as it is now: C_GetTokenInfo. */
  token(slotId: bigint): Promise<TokenState>;

  /** A session: for reading, if nothing else is asked for. */
  openSession(slotId: bigint, access?: SessionAccess): Promise<Handle>;
  closeSession(session: Handle): Promise<void>;
  /**
   * Begins an operation in a session that carries no other, and never ends it: C_DigestInit. No such operation
   * outlives C_Finalize, so {@link sign} sees by it that handles may have been given again.
   *
   * @returns whether the module can do that
   */
  watch(session: Handle): Promise<boolean>;
  /** Ends that operation, so that others can begin in the session: C_DigestFinal. */
  unwatch(session: Handle): Promise<void>;
  /** Whether the token's user is logged in, for all sessions of this process: C_GetSessionInfo. */
  isLoggedIn(session: Handle): Promise<boolean>;
  /** C_Login as the normal user. One attempt. */
  login(session: Handle, pin: Secret): Promise<void>;
  logout(session: Handle): Promise<void>;

  /** All objects that fit: C_FindObjectsInit, C_FindObjects until none is left, C_FindObjectsFinal. */
  find(session: Handle, template: Template): Promise<readonly Handle[]>;
  attributes<N extends AttributeName>(
    session: Handle,
    object: Handle,
    names: readonly N[],
  ): Promise<Attributes<N>>;
  /** The attributes of each of many objects, in few exchanges; undefined for one that is not there any more. */
  attributesOf<N extends AttributeName>(
    session: Handle,
    objects: readonly Handle[],
    names: readonly N[],
  ): Promise<readonly (Attributes<N> | undefined)[]>;

  /**
   * C_SignInit and C_Sign, in this turn of the event loop. Undefined where that would take too long, or cannot be
   * watched; then nothing is changed. As {@link sign} otherwise; absent where nothing can be had in one turn.
   */
  signNow?(session: Handle, request: SignRequest): Signature<Soon> | undefined;

  /** To be waited for before {@link signNow}, where that has kept the event loop from its turn for long enough. */
  pause?(): Promise<void> | undefined;

  /**
   * C_SignInit and C_Sign. Where it fails, an operation may be left open on the session: close it.
   *
   * @param input is read until the promise settles; do not change it before
   * @param length of the longest signature, in bytes
   */
  sign(session: Handle, request: SignRequest): Promise<Signature>;

  /** C_GenerateKeyPair, which may take minutes; like all that follows, on a session for writing. */
  generateKeyPair(session: Handle, request: KeyPairRequest): Promise<KeyPairHandles>;
  /** C_CreateObject */
  createObject(session: Handle, template: Template): Promise<Handle>;
  /** C_DestroyObject */
  destroyObject(session: Handle, object: Handle): Promise<void>;
}

export type SessionAccess = "read" | "write";

/** A module that is borrowed: it stays initialised until all who borrowed it gave it back. */
export interface BorrowedModule {
  readonly module: Module;
  /** Gives it back; once, after the borrower's last call has settled. */
  readonly release: () => Promise<void>;
}

/** A CK_SESSION_HANDLE or CK_OBJECT_HANDLE, in the bytes of the module. Only the module that gave it reads it. */
export type Handle = Uint8Array;

export interface Slot {
  readonly id: bigint;
  readonly info: SlotInfo;
  readonly token: TokenState;
}

export interface TokenState extends TokenInfo {
  readonly slotId: bigint;
  /** CK_TOKEN_INFO flags. */
  readonly flags: number;
  /** Sessions that may be open at once; undefined where there is no limit or the token does not say. */
  readonly maxSessions: number | undefined;
}

export interface SignRequest {
  readonly mechanism: Mechanism;
  readonly key: Handle;
  readonly input: Uint8Array;
  /** Of the signature, in bytes. */
  readonly length: number;
  /** For a key with CKA_ALWAYS_AUTHENTICATE: the PIN, for C_Login(CKU_CONTEXT_SPECIFIC) between the two calls. */
  readonly pin?: Secret;
  /** A session that is watched. */
  readonly watch?: Handle | undefined;
}

/** Whether something is so: known now, or soon, where several share the call that tells. */
export type Soon = true | Promise<boolean>;

/** As the token gave it; of {@link Module.signNow} to be read in this turn, for the next one overwrites it. */
export interface Signature<Known extends boolean | Promise<boolean> = boolean> {
  readonly raw: Uint8Array;
  /**
   * Whether the module is the one of the moment at which the watch began, so that the handles given since then name
   * what they named. Not asked for where the signature took so long that to verify it takes no time beside.
   */
  readonly isWatched: Known;
}

/** What C_GenerateKeyPair makes, and what is said of each half. */
export interface KeyPairRequest {
  readonly mechanism: Mechanism;
  readonly publicKey: Template;
  readonly privateKey: Template;
}

export interface KeyPairHandles {
  readonly publicKey: Handle;
  readonly privateKey: Handle;
}

export interface Mechanism {
  readonly type: number;
  /** CK_RSA_PKCS_PSS_PARAMS */
  readonly pss?: { readonly hash: number; readonly mgf: number; readonly saltLength: number };
}
