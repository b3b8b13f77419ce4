import { setImmediate as nextTurn } from "node:timers/promises";
import { CredentialError, type LibraryInfo, type Secret } from "@ddscred/core";
import {
  CKF_OS_LOCKING_OK,
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKS_RO_USER_FUNCTIONS,
  CKS_RW_USER_FUNCTIONS,
  CKU_CONTEXT_SPECIFIC,
  CKU_USER,
} from "../cryptoki/constants.ts";
import { Handles } from "../cryptoki/handles.ts";
import type {
  Handle,
  KeyPairHandles,
  KeyPairRequest,
  Mechanism,
  Module,
  SessionAccess,
  SignRequest,
  Slot,
  TokenState,
} from "../cryptoki/module.ts";
import type { ModuleReport } from "../cryptoki/report.ts";
import { type AttributeName, type Attributes, nativeTemplate, type Template } from "../cryptoki/template.ts";
import { LoginBook } from "../token/login-book.ts";
import type { Binding, InitializeOptions, NativeMechanism, NativeModule } from "./binding.ts";
import { loadNative, startError } from "./load.ts";
import { native, nativeError, returnValue } from "./native-error.ts";
import { NativeObjects } from "./native-objects.ts";
import { NativeSlots } from "./native-slots.ts";
import { Pace } from "./pace.ts";
import { ThreadUsers } from "./thread-users.ts";

/**
 * A module loaded into this process. All but signing runs in the calling thread, for the binding knows no
 * other way. Where signing runs, see {@link Pace}.
 */
export class InlineModule implements Module {
  readonly path: string;
  readonly logins = new LoginBook();
  /** Two to four keep a core busy; more would only queue before the four threads of libuv. */
  readonly sessions = 4;
  readonly deadline = Number.POSITIVE_INFINITY;
  readonly #native: NativeModule;
  readonly #options: InitializeOptions;
  readonly #pssParameter: number;
  /** What the binding uses on other threads. Being here keeps the buffers alive: the binding does not. */
  readonly #underWay = new Set<object>();
  readonly #pace = new Pace();
  readonly #handles = new Handles(this);
  readonly #slots: NativeSlots;
  readonly #objects: NativeObjects;
  #whenIdle: (() => void)[] = [];
  #signing = 0;
  readonly #users: ThreadUsers;
  #isInUse = false;
  #adoptions = 0;

  /** Loads the library; for the errors see {@link loadNative}. */
  constructor(binding: Binding, path: string, parameters?: string) {
    this.path = path;
    // The binding loses the last character; where it does not, one NUL more ends the same text.
    this.#options = parameters === undefined ? OPTIONS : { ...OPTIONS, libraryParameters: `${parameters}\0` };
    this.#native = loadNative(binding, path);
    this.#users = new ThreadUsers(path);
    this.#slots = new NativeSlots(this.#native);
    this.#objects = new NativeObjects(this.#native);
    this.#pssParameter = binding.CK_PARAMS_RSA_PSS;
  }

  /** Grows also where another thread of this process started the module anew. */
  get epoch(): number {
    return this.#users.generation + this.#adoptions;
  }

  /** C_Initialize, if it is not initialised; `MODULE_FAILED`. */
  initialise(): void {
    if (this.#isInUse) return;
    this.#users.enter();
    try {
      this.#start();
      this.#isInUse = true;
    } catch (error) {
      this.#users.leave(() => undefined);
      throw error;
    }
  }

  /** C_Finalize after all calls under way, if it was us who initialised, and no other thread uses it. */
  async finalise(): Promise<void> {
    if (this.#underWay.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    if (!this.#isInUse) return;
    this.#isInUse = false;
    this.#users.leave(() => native("C_Finalize", () => this.#native.C_Finalize()));
  }

  async restart(epoch: number): Promise<void> {
    const isBusy = this.#underWay.size > 0 || this.#whenIdle.length > 0;
    if (epoch !== this.epoch || isBusy || !this.#isInUse) return;
    if (this.#users.isAlone && this.#users.isOurs) {
      try {
        this.#native.C_Finalize();
      } catch {
        // somebody else may have finalised it, or its device is gone
      }
    }
    this.#start();
  }

  /** C_Initialize; where that was done already, by another thread or another library, all is well too. */
  #start(): void {
    try {
      this.#native.C_Initialize(this.#options);
      this.#users.initialised();
    } catch (error) {
      if (returnValue(error) !== CKR_CRYPTOKI_ALREADY_INITIALIZED)
        throw startError(this.path, "C_Initialize", error);
      if (!this.#isInUse) this.#adoptions++;
    }
  }

  library(): Promise<LibraryInfo> {
    return this.#slots.library();
  }

  examine(): Promise<ModuleReport> {
    return this.#slots.examine();
  }

  slots(): Promise<readonly Slot[]> {
    return this.#slots.all();
  }

  token(slotId: bigint): Promise<TokenState> {
    return this.#slots.token(slotId);
  }

  async openSession(slotId: bigint, access: SessionAccess = "read"): Promise<Handle> {
    const slot = this.#slots.handle(slotId);
    const flags = access === "write" ? CKF_SERIAL_SESSION | CKF_RW_SESSION : CKF_SERIAL_SESSION;
    const session = native("C_OpenSession", () => this.#native.C_OpenSession(slot, flags));
    return this.#handles.give(session);
  }

  async closeSession(session: Handle): Promise<void> {
    const handle = this.#session(session, "C_CloseSession");
    native("C_CloseSession", () => this.#native.C_CloseSession(handle));
  }

  async isLoggedIn(session: Handle): Promise<boolean> {
    const handle = this.#session(session, "C_GetSessionInfo");
    const { state } = native("C_GetSessionInfo", () => this.#native.C_GetSessionInfo(handle));
    return state === CKS_RO_USER_FUNCTIONS || state === CKS_RW_USER_FUNCTIONS;
  }

  async login(session: Handle, pin: Secret): Promise<void> {
    const handle = this.#session(session, "C_Login");
    native("C_Login", () => this.#native.C_Login(handle, CKU_USER, pin.reveal()));
  }

  async logout(session: Handle): Promise<void> {
    const handle = this.#session(session, "C_Logout");
    if (!this.#users.isAlone) return; // the login is that of the other threads too
    native("C_Logout", () => this.#native.C_Logout(handle));
  }

  async find(session: Handle, template: Template): Promise<readonly Handle[]> {
    const handle = this.#session(session, "C_FindObjectsInit");
    return this.#objects.find(handle, template).map((object) => this.#handles.give(object));
  }

  async attributes<N extends AttributeName>(
    session: Handle,
    object: Handle,
    names: readonly N[],
  ): Promise<Attributes<N>> {
    const handle = this.#session(session, "C_GetAttributeValue");
    this.#handles.checkObject(object, "C_GetAttributeValue");
    return this.#objects.attributes(handle, buffer(object), names);
  }

  async attributesOf<N extends AttributeName>(
    session: Handle,
    objects: readonly Handle[],
    names: readonly N[],
  ): Promise<readonly (Attributes<N> | undefined)[]> {
    const read = this.#objects.reader(this.#session(session, "C_GetAttributeValue"), names);
    const all: (Attributes<N> | undefined)[] = [];
    for (const object of objects) {
      // Thousands of objects are read one after the other: the event loop gets its turn in between.
      if (this.#pace.isTurnOver(performance.now())) {
        await nextTurn();
        this.#handles.checkSession(session, "C_GetAttributeValue");
      }
      this.#handles.checkObject(object, "C_GetAttributeValue");
      all.push(unlessGone(() => read(buffer(object))));
    }
    return all;
  }

  async sign(session: Handle, request: SignRequest): Promise<Uint8Array> {
    this.#signing++;
    try {
      return await this.#sign(session, request);
    } finally {
      this.#signing--; // not before the caller had its turn, and with it those who sign beside it
    }
  }

  async #sign(session: Handle, request: SignRequest): Promise<Uint8Array> {
    const kind = this.#pace.of(request);
    const isHere = kind.isQuick(this.#signing === 1);
    if (isHere && this.#pace.isTurnOver(performance.now())) await nextTurn();
    const begin = performance.now();
    const handle = this.#session(session, "C_SignInit");
    this.#handles.checkObject(request.key, "C_SignInit");
    this.#signInit(handle, request);
    const input = buffer(request.input);
    const output = Buffer.allocUnsafe(request.length);
    if (!isHere) {
      const signature = await this.#signElsewhere(handle, input, output);
      kind.tookElsewhere(performance.now() - begin);
      return signature;
    }
    const signature = native("C_Sign", () => this.#native.C_Sign(handle, input, output));
    kind.tookHere(performance.now() - begin);
    return signature;
  }

  async generateKeyPair(session: Handle, request: KeyPairRequest): Promise<KeyPairHandles> {
    const handle = this.#session(session, "C_GenerateKeyPair");
    const mechanism = this.#mechanism(request.mechanism);
    const templates = [nativeTemplate(request.publicKey), nativeTemplate(request.privateKey)] as const;
    const keys = await this.#elsewhere<KeyPairHandles>("C_GenerateKeyPair", [handle, ...templates], (done) =>
      this.#native.C_GenerateKeyPair(handle, mechanism, ...templates, done),
    );
    return {
      publicKey: this.#handles.give(keys.publicKey),
      privateKey: this.#handles.give(keys.privateKey),
    };
  }

  async createObject(session: Handle, template: Template): Promise<Handle> {
    const handle = this.#session(session, "C_CreateObject");
    const attributes = nativeTemplate(template);
    return this.#handles.give(
      native("C_CreateObject", () => this.#native.C_CreateObject(handle, attributes)),
    );
  }

  async destroyObject(session: Handle, object: Handle): Promise<void> {
    const handle = this.#session(session, "C_DestroyObject");
    this.#handles.checkObject(object, "C_DestroyObject");
    native("C_DestroyObject", () => this.#native.C_DestroyObject(handle, buffer(object)));
  }

  /** C_Sign on a thread of libuv. */
  #signElsewhere(session: Buffer, input: Buffer, output: Buffer): Promise<Uint8Array> {
    return this.#elsewhere("C_Sign", [session, input, output], (done) =>
      this.#native.C_Sign(session, input, output, done),
    );
  }

  /** A call on a thread of libuv. What it uses is kept, for the binding does not. */
  #elsewhere<T>(
    call: string,
    used: readonly unknown[],
    begin: (done: (error: Error | null, result: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#underWay.add(used);
      try {
        begin((error, result) => {
          this.#done(used);
          if (error) reject(nativeError(call, error));
          else resolve(result);
        });
      } catch (error) {
        this.#done(used);
        reject(nativeError(call, error));
      }
    });
  }

  #signInit(session: Buffer, { mechanism, key, pin }: SignRequest): void {
    native("C_SignInit", () => this.#native.C_SignInit(session, this.#mechanism(mechanism), buffer(key)));
    if (pin === undefined) return;
    native("C_Login", () => this.#native.C_Login(session, CKU_CONTEXT_SPECIFIC, pin.reveal()));
  }

  #session(session: Handle, call: string): Buffer {
    this.#handles.checkSession(session, call);
    return buffer(session);
  }

  #done(operation: object): void {
    this.#underWay.delete(operation);
    if (this.#underWay.size > 0 || this.#whenIdle.length === 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #mechanism({ type, pss }: Mechanism): NativeMechanism {
    if (pss === undefined) return { mechanism: type };
    const { hash, mgf, saltLength } = pss;
    return {
      mechanism: type,
      parameter: { type: this.#pssParameter, hashAlg: hash, mgf, saltLen: saltLength },
    };
  }
}

/** Undefined for an object that was destroyed since it was found. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CredentialError && error.rv === "CKR_OBJECT_HANDLE_INVALID") return undefined;
    throw error;
  }
}

/** The same bytes as a Buffer; nothing is copied. */
function buffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Without the flag a module believes in a single thread, and signing on another corrupts its heap. */
const OPTIONS: InitializeOptions = { flags: CKF_OS_LOCKING_OK };

const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191;
