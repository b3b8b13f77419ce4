// Above 200 lines: one short method for each that a Module has.

import type { LibraryInfo, Secret } from "@ddscred/core";
import { Handles } from "../cryptoki/handles.ts";
import type {
  Handle,
  KeyPairHandles,
  KeyPairRequest,
  Module,
  SessionAccess,
  Signature,
  SignRequest,
  Slot,
  Soon,
  TokenState,
} from "../cryptoki/module.ts";
import type { ModuleReport } from "../cryptoki/report.ts";
import { type AttributeName, type Attributes, nativeTemplate, type Template } from "../cryptoki/template.ts";
import { LoginBook } from "../token/login-book.ts";
import { SessionBook } from "../token/session-book.ts";
import type { Binding, NativeModule } from "./binding.ts";
import { Births } from "./births.ts";
import { buffer } from "./buffer.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Lifecycle } from "./lifecycle.ts";
import { loadNative } from "./load.ts";
import { NativeObjects, unlessGone } from "./native-objects.ts";
import { NativeSessions } from "./native-sessions.ts";
import { NativeSigning } from "./native-signing.ts";
import { NativeSlots } from "./native-slots.ts";
import { NativeWatch } from "./native-watch.ts";
import { Pace } from "./pace.ts";
import { quickCalls } from "./quick-calls.ts";

/**
 * A module loaded into this process. All but signing runs in the calling thread, for the binding knows no
 * other way. Where signing runs, see {@link Pace}.
 */
export class InlineModule implements Module {
  readonly path: string;
  readonly logins = new LoginBook();
  readonly shared = new SessionBook();
  /** Two to four keep a core busy; more would only queue before the four threads of libuv. */
  readonly sessions = 4;
  readonly deadline = Number.POSITIVE_INFINITY;
  readonly #native: NativeModule;
  readonly #elsewhere = new Elsewhere();
  readonly #births = new Births();
  readonly #pace = new Pace();
  readonly #handles = new Handles(this);
  readonly #life: Lifecycle;
  readonly #slots: NativeSlots;
  readonly #sessions: NativeSessions;
  readonly #objects: NativeObjects;
  readonly #watch: NativeWatch;
  readonly #signing: NativeSigning;

  /** Loads the library; for the errors see {@link loadNative}. */
  constructor(binding: Binding, path: string, parameters?: string) {
    this.path = path;
    this.#native = loadNative(binding, path);
    this.#life = new Lifecycle(this.#native, path, parameters, this.#elsewhere);
    this.#slots = new NativeSlots(this.#native);
    this.#sessions = new NativeSessions(this.#native);
    this.#objects = new NativeObjects(this.#native);
    const quick = quickCalls(binding, this.#native);
    this.#watch = new NativeWatch(this.#native, quick, () => this.#life.noteForeignStart());
    this.#signing = new NativeSigning(this.#native, binding, {
      elsewhere: this.#elsewhere,
      pace: this.#pace,
      watch: this.#watch,
      quick,
    });
  }

  get epoch(): number {
    return this.#life.epoch;
  }

  initialise(): void {
    this.#life.initialise();
  }

  finalise(): Promise<void> {
    return this.#life.finalise();
  }

  async restart(epoch: number): Promise<void> {
    this.#life.restart(epoch);
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
    return this.#handles.give(this.#sessions.open(this.#slots.handle(slotId), access));
  }

  async closeSession(session: Handle): Promise<void> {
    const handle = this.#session(session, "C_CloseSession");
    this.#watch.forget(handle);
    this.#sessions.close(handle);
  }

  async watch(session: Handle): Promise<boolean> {
    return this.#watch.begin(this.#session(session, "C_DigestInit"));
  }

  async unwatch(session: Handle): Promise<void> {
    this.#watch.end(this.#session(session, "C_DigestFinal"));
  }

  async isLoggedIn(session: Handle): Promise<boolean> {
    return this.#sessions.isLoggedIn(this.#session(session, "C_GetSessionInfo"));
  }

  async login(session: Handle, pin: Secret): Promise<void> {
    const handle = this.#session(session, "C_Login");
    const began = performance.now();
    this.#sessions.login(handle, pin);
    this.#pace.loginTook(performance.now() - began);
  }

  async logout(session: Handle): Promise<void> {
    const handle = this.#session(session, "C_Logout");
    if (this.#life.isAlone) this.#sessions.logout(handle); // else the login is that of the other threads too
  }

  async find(session: Handle, template: Template): Promise<readonly Handle[]> {
    await this.#births.over();
    const found = this.#objects.find(this.#session(session, "C_FindObjectsInit"), template);
    return found.map((object) => this.#handles.give(object));
  }

  async attributes<N extends AttributeName>(
    session: Handle,
    object: Handle,
    names: readonly N[],
  ): Promise<Attributes<N>> {
    await this.#births.over();
    const handle = this.#session(session, "C_GetAttributeValue");
    this.#handles.checkObject(object, "C_GetAttributeValue");
    return this.#objects.attributes(handle, buffer(object), names);
  }

  async attributesOf<N extends AttributeName>(
    session: Handle,
    objects: readonly Handle[],
    names: readonly N[],
  ): Promise<readonly (Attributes<N> | undefined)[]> {
    await this.#births.over();
    const read = this.#objects.reader(this.#session(session, "C_GetAttributeValue"), names);
    const all: (Attributes<N> | undefined)[] = [];
    for (const object of objects) {
      // Thousands of objects are read one after the other: the event loop gets its turn in between.
      const pause = all.length > 0 ? this.#pace.pause() : undefined;
      if (pause !== undefined) {
        await pause;
        await this.#births.over();
        this.#handles.checkSession(session, "C_GetAttributeValue");
      }
      this.#handles.checkObject(object, "C_GetAttributeValue");
      all.push(unlessGone(() => read(buffer(object))));
    }
    return all;
  }

  signNow(session: Handle, request: SignRequest): Signature<Soon> | undefined {
    this.#handles.checkSession(session, "C_SignInit");
    this.#handles.checkObject(request.key, "C_SignInit");
    return this.#signing.signNow(buffer(session), request);
  }

  pause(): Promise<void> | undefined {
    return this.#pace.pause();
  }

  sign(session: Handle, request: SignRequest): Promise<Signature> {
    return this.#signing.sign(request, () => {
      const handle = this.#session(session, "C_SignInit");
      this.#handles.checkObject(request.key, "C_SignInit");
      return handle;
    });
  }

  async generateKeyPair(session: Handle, request: KeyPairRequest): Promise<KeyPairHandles> {
    const handle = this.#session(session, "C_GenerateKeyPair");
    const mechanism = this.#signing.mechanism(request.mechanism);
    const templates = [nativeTemplate(request.publicKey), nativeTemplate(request.privateKey)] as const;
    const keys = await this.#births.during(() =>
      this.#elsewhere.run<KeyPairHandles>("C_GenerateKeyPair", [handle, ...templates], (done) =>
        this.#native.C_GenerateKeyPair(handle, mechanism, ...templates, done),
      ),
    );
    return {
      publicKey: this.#handles.give(keys.publicKey),
      privateKey: this.#handles.give(keys.privateKey),
    };
  }

  async createObject(session: Handle, template: Template): Promise<Handle> {
    return this.#handles.give(this.#objects.create(this.#session(session, "C_CreateObject"), template));
  }

  async destroyObject(session: Handle, object: Handle): Promise<void> {
    const handle = this.#session(session, "C_DestroyObject");
    this.#handles.checkObject(object, "C_DestroyObject");
    this.#objects.destroy(handle, buffer(object));
  }

  #session(session: Handle, call: string): Buffer {
    this.#handles.checkSession(session, call);
    return buffer(session);
  }
}
