// Above 200 lines: one short method for each that a Module has.

import type { LibraryInfo, Secret } from "@ddscred/core";
import type {
  Handle,
  KeyPairHandles,
  KeyPairRequest,
  Module,
  SessionAccess,
  Signature,
  SignRequest,
  Slot,
  TokenState,
} from "../cryptoki/module.ts";
import type { ModuleReport } from "../cryptoki/report.ts";
import type { AttributeName, Attributes, Template } from "../cryptoki/template.ts";
import { inTurns } from "../objects/in-turns.ts";
import type { LoginBook } from "../token/login-book.ts";
import type { SessionBook } from "../token/session-book.ts";
import type { ModuleHost } from "./module-host.ts";
import { handleAt, type Method, type PackedHandles, type Result } from "./protocol.ts";

/**
 * A module in another process, with the deadline of one user. Besides what the module itself may answer, a
 * call fails with `TIMEOUT`, with `DEVICE_ERROR` where the module crashed, and with `SESSION_LOST` where the
 * process was ended for the sake of another call; all are retryable.
 */
export class ProcessModule implements Module {
  readonly path: string;
  readonly logins: LoginBook;
  readonly shared: SessionBook;
  readonly deadline: number;
  /** As many as make one message worth its while. */
  readonly sessions = 16;
  readonly #host: ModuleHost;

  constructor(host: ModuleHost, deadline: number) {
    this.path = host.path;
    this.logins = host.logins;
    this.shared = host.shared;
    this.deadline = deadline;
    this.#host = host;
  }

  get epoch(): number {
    return this.#host.epoch;
  }

  async restart(epoch: number): Promise<void> {
    this.#host.restart(epoch);
  }

  library(): Promise<LibraryInfo> {
    return this.#call("library", "C_GetInfo", []);
  }

  examine(): Promise<ModuleReport> {
    return this.#call("examine", "C_GetMechanismList", []);
  }

  slots(): Promise<readonly Slot[]> {
    return this.#call("slots", "C_GetSlotList", []);
  }

  token(slotId: bigint): Promise<TokenState> {
    return this.#call("token", "C_GetTokenInfo", [slotId]);
  }

  async openSession(slotId: bigint, access: SessionAccess = "read"): Promise<Handle> {
    return this.#given(await this.#call("openSession", "C_OpenSession", [slotId, access]));
  }

  async closeSession(session: Handle): Promise<void> {
    this.#checkSession(session, "C_CloseSession");
    await this.#call("closeSession", "C_CloseSession", [session]);
  }

  async watch(session: Handle): Promise<boolean> {
    this.#checkSession(session, "C_DigestInit");
    return await this.#call("watch", "C_DigestInit", [session]);
  }

  async unwatch(session: Handle): Promise<void> {
    this.#checkSession(session, "C_DigestFinal");
    await this.#call("unwatch", "C_DigestFinal", [session]);
  }

  async isLoggedIn(session: Handle): Promise<boolean> {
    this.#checkSession(session, "C_GetSessionInfo");
    return await this.#call("isLoggedIn", "C_GetSessionInfo", [session]);
  }

  async login(session: Handle, pin: Secret): Promise<void> {
    this.#checkSession(session, "C_Login");
    const deadline = 3 * this.deadline;
    await this.#host.call({ method: "login", function: "C_Login", args: [session, pin], deadline });
  }

  async logout(session: Handle): Promise<void> {
    this.#checkSession(session, "C_Logout");
    await this.#call("logout", "C_Logout", [session]);
  }

  async find(session: Handle, template: Template): Promise<readonly Handle[]> {
    this.#checkSession(session, "C_FindObjectsInit");
    const { deadline } = this;
    const call = { method: "find", function: "C_FindObjects", args: [session, template], deadline } as const;
    const found = (await this.#host.call(call)) as PackedHandles;
    const { epoch } = this; // of the answer: it may be over before the last of thousands is taken out
    return await inTurns(Array.from({ length: found.count }), (_, n) =>
      this.#host.handles.give(handleAt(found, n), epoch),
    );
  }

  async attributes<N extends AttributeName>(
    session: Handle,
    object: Handle,
    names: readonly N[],
  ): Promise<Attributes<N>> {
    this.#checkSession(session, "C_GetAttributeValue");
    this.#host.handles.checkObject(object, "C_GetAttributeValue");
    const said = await this.#call("attributes", "C_GetAttributeValue", [session, object, names]);
    return copied(said);
  }

  async attributesOf<N extends AttributeName>(
    session: Handle,
    objects: readonly Handle[],
    names: readonly N[],
  ): Promise<readonly (Attributes<N> | undefined)[]> {
    const all: (Attributes<N> | undefined)[] = [];
    for (let n = 0; n < objects.length; n += GROUP) {
      const group = objects.slice(n, n + GROUP);
      this.#checkSession(session, "C_GetAttributeValue");
      for (const object of group) this.#host.handles.checkObject(object, "C_GetAttributeValue");
      const said = await this.#call("attributesOf", "C_GetAttributeValue", [session, group, names]);
      all.push(...said.map((one) => one && copied(one)));
    }
    return all;
  }

  async sign(session: Handle, request: SignRequest): Promise<Signature> {
    this.#checkSession(session, "C_SignInit");
    this.#host.handles.checkObject(request.key, "C_SignInit");
    // Where it ends without an answer, nobody knows whether the token counted the PIN.
    const call = request.pin === undefined ? "C_Sign" : "C_Login";
    return await this.#call("sign", call, [session, request]);
  }

  async generateKeyPair(session: Handle, request: KeyPairRequest): Promise<KeyPairHandles> {
    const call = "C_GenerateKeyPair";
    this.#checkSession(session, call);
    const deadline = Math.min(GENERATION * this.deadline, LONGEST);
    const generation = {
      method: "generateKeyPair",
      function: call,
      args: [session, request],
      deadline,
    } as const;
    const keys = (await this.#host.call(generation)) as KeyPairHandles;
    return { publicKey: this.#given(keys.publicKey), privateKey: this.#given(keys.privateKey) };
  }

  async createObject(session: Handle, template: Template): Promise<Handle> {
    this.#checkSession(session, "C_CreateObject");
    return this.#given(await this.#call("createObject", "C_CreateObject", [session, template]));
  }

  async destroyObject(session: Handle, object: Handle): Promise<void> {
    this.#checkSession(session, "C_DestroyObject");
    this.#host.handles.checkObject(object, "C_DestroyObject");
    await this.#call("destroyObject", "C_DestroyObject", [session, object]);
  }

  /** A handle out of an answer: that is a part of a larger message, which need not stay. */
  #given(handle: Handle): Handle {
    return this.#host.handles.give(new Uint8Array(handle));
  }

  #checkSession(session: Handle, call: string): void {
    this.#host.handles.checkSession(session, call);
  }

  async #call<M extends Method & keyof Module>(
    method: M,
    function_: string,
    args: readonly unknown[],
  ): Promise<Result<M>> {
    const { deadline } = this;
    return (await this.#host.call({ method, function: function_, args, deadline })) as Result<M>;
  }
}

/** The attributes, without the larger message of which their bytes are a part: that need not stay. */
function copied<N extends AttributeName>(attributes: Attributes<N>): Attributes<N> {
  const copies = Object.entries(attributes).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? new Uint8Array(value) : value,
  ]);
  return Object.fromEntries(copies) as Attributes<N>;
}

/** Objects that are read in one exchange: a card takes milliseconds for each attribute, and all within one deadline. */
const GROUP = 64;
/** Deadlines in which a key pair must be made: a card takes a minute or two for RSA. */
const GENERATION = 30;
/** Milliseconds that a timer knows. */
const LONGEST = 2 ** 31 - 1;
