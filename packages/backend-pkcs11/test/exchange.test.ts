import { hash } from "node:crypto";
import { type Pkcs11BackendOptions, type Pkcs11Event, pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, ecdsaRawToDer, type Signer, signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";
import { loadBinding } from "../dist/inline/binding.js";
import { NativeWatch } from "../dist/inline/native-watch.js";
import { Pace } from "../dist/inline/pace.js";
import { newPair } from "./support/ec-keys.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

/**
 * Somebody else in the process finalises and initialises the module, opens sessions, logs in and looks for objects:
 * the numbers of sessions and keys are given again, to others, and no call fails.
 */

t.setTimeout(600_000);
// As if no time passed: of a key that is proven, nothing is verified now and then, which would hide what is tested.
const { now } = performance;
t.teardown(() => Object.assign(performance, { now }));
Object.assign(performance, { now: () => 1000 });
const scheme = signatureSchemes.ecdsa_p256_sha256;
const KEYS = 8;
/** Of a token of longer keys, the one that is not: with a number in the middle of theirs. */
const SHORT = 4;
const IN_FLIGHT = 16;
const ROUNDS = process.env["DDSCRED_TEST_LONG"] === "1" ? 1000 : 24;
const names = Array.from({ length: KEYS }, (_, n) => `key-${n}`);
const folder = noToken === false ? new TokenFolder() : undefined;
folder?.add(
  "exchange",
  names.flatMap((label, n) => newPair({ label, id: `0${n}` })),
);
folder?.add(
  "lengths",
  names.flatMap((label, n) => newPair({ label, id: `0${n}` }, n === SHORT ? "P-256" : "P-384")),
);
t.teardown(() => folder?.remove());

/** As much of the binding as another library in this process uses. */
class Other {
  readonly #native: Native;
  #key: Buffer = Buffer.alloc(0);

  private constructor(native: Native) {
    this.#native = native;
  }

  static async create(path: string): Promise<Other> {
    const binding = (await loadBinding()) as unknown as { PKCS11: new () => Native };
    const native = new binding.PKCS11();
    native.load(path);
    return new Other(native);
  }

  /** The first number is the next one. */
  clear(): void {
    try {
      this.#native.C_Finalize();
    } catch {
      // it is not initialised
    }
    this.#native.C_Initialize({ flags: 2 });
  }

  /** @returns whether the number of a key now names another one, which signs without an error */
  async startAnew(sessions: number, signers: readonly Signer[]): Promise<boolean> {
    const native = this.#native;
    native.C_Finalize();
    native.C_Initialize({ flags: 2 });
    const slot = native
      .C_GetSlotList(true)
      .find((one) => native.C_GetTokenInfo(one).label.trim() === "exchange");
    if (slot === undefined) throw new Error("the token is not there");
    const [session] = Array.from({ length: sessions }, () => native.C_OpenSession(slot, 4));
    if (session === undefined) throw new Error("no session");
    native.C_Login(session, 1, PIN);
    native.C_FindObjectsInit(session, [{ type: 0, value: 3 }]);
    native.C_FindObjects(session, 100);
    native.C_FindObjectsFinal(session);
    const stale = this.#key;
    const label = Buffer.from("key-0");
    native.C_FindObjectsInit(session, [
      { type: 0, value: 3 },
      { type: 3, value: label },
    ]);
    [this.#key = stale] = native.C_FindObjects(session, 1);
    native.C_FindObjectsFinal(session);
    return stale.length > 0 && (await this.#signsAsAnother(session, stale, signers));
  }

  async #signsAsAnother(session: Buffer, key: Buffer, [first]: readonly Signer[]): Promise<boolean> {
    const message = Buffer.from("message");
    const native = this.#native;
    try {
      native.C_SignInit(session, { mechanism: 0x1041 }, key);
    } catch {
      return false; // it names no key
    }
    const raw = native.C_Sign(session, hash("sha256", message, "buffer"), Buffer.alloc(64));
    if (first === undefined) throw new Error("no signer");
    return !(await webCrypto().verify(first.publicKey, scheme, message, ecdsaRawToDer(raw)));
  }
}

for (const isCrowded of [false, true]) {
  const look = isCrowded ? "of a moment share a look at the watch" : "have a look at the watch each";
  const name = `when another library starts SoftHSM anew, no signature by another key leaves where those ${look}`;
  t.test(name, onSoftHsm(), async (t) => {
    const before = Object.getOwnPropertyDescriptor(Pace.prototype, "isCrowded") ?? {};
    t.teardown(() => Object.defineProperty(Pace.prototype, "isCrowded", before));
    Object.defineProperty(Pace.prototype, "isCrowded", { ...before, get: () => isCrowded });
    const other = await Other.create(softHsm);
    const { counts, traps } = await signThroughRestarts(other, ROUNDS);
    t.comment(counts, `stale numbers named another key ${traps} times`);
    t.equal(counts.wrong, 0);
    t.equal(counts.failed, 0, "the module is there, so the keys are found again");
    t.equal(counts.good, ROUNDS * 6 * IN_FLIGHT);
    t.ok(traps > 0, "the numbers do name other keys");

    const { goesOn } = NativeWatch.prototype;
    t.teardown(() => Object.assign(NativeWatch.prototype, { goesOn }));
    Object.assign(NativeWatch.prototype, { goesOn: () => true });
    const unwatched = await signThroughRestarts(other, 12);
    Object.assign(NativeWatch.prototype, { goesOn });
    t.comment(unwatched.counts);
    t.ok(unwatched.counts.wrong > 0, "and it is the watch that keeps them in");
  });
}

/** Of one session the number stays good, of several only some do: both ways are gone. */
async function signThroughRestarts(other: Other, rounds: number): Promise<{ counts: Counts; traps: number }> {
  const counts = { good: 0, failed: 0, wrong: 0 };
  let traps = 0;
  for (let round = 0; round < rounds; round++) {
    other.clear();
    const sessions = round % 2 === 0 ? 1 : 4;
    const { backend, signers } = await open({ module: softHsm, isolation: "inline", sessions });
    for (const _ of [1, 2, 3]) add(counts, await signWithAll(signers));
    if (await other.startAnew(2 + (round % 3), signers)) traps++;
    for (const _ of [1, 2, 3]) add(counts, await signWithAll(signers));
    await backend.close();
  }
  return { counts, traps };
}

for (const isolation of ["inline", "process"] as const) {
  const name = `when a module is started anew without a word between any two calls, no signature by another key leaves: ${isolation}`;
  const reason = noToken === false ? noCompiler() : noToken;
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (folder === undefined) return;
    const module = new TableModule(folder);
    t.teardown(() => module.close());
    const other = isolation === "inline" ? await Other.create(module.path) : undefined;
    const counts = { good: 0, failed: 0, wrong: 0 };
    for (let round = 0; round < 12; round++) {
      other?.clear();
      const { backend, signers } = await open({ module: module.path, isolation, sessions: 1 + (round % 2) });
      for (const _ of [1, 2, 3]) add(counts, await signWithAll(signers));
      const call = round % 2 === 0 ? "C_SignInit" : "C_DigestUpdate";
      module.fault(call, { does: "restart", rv: 2 + (round % 3), after: round % 5 });
      for (const _ of [1, 2, 3]) add(counts, await signWithAll(signers));
      module.reset();
      await backend.close();
    }
    t.comment(counts);
    t.equal(counts.wrong, 0);
    t.equal(counts.failed, 0, "and signing goes on");
  });
}

t.test(
  "several who sign at once share the looks at the watch, one alone does not",
  onSoftHsm(),
  async (t) => {
    Object.assign(performance, { now });
    t.teardown(() => Object.assign(performance, { now: () => 1000 }));
    const { backend, signers } = await open({ module: softHsm, isolation: "inline" });
    t.teardown(() => backend.close());
    const { goesOn } = NativeWatch.prototype;
    t.teardown(() => Object.assign(NativeWatch.prototype, { goesOn }));
    let looks = 0;
    Object.assign(NativeWatch.prototype, {
      goesOn(this: NativeWatch, session: Buffer) {
        looks++;
        return goesOn.call(this, session);
      },
    });
    const looksFor = async (lanes: number): Promise<number> => {
      looks = 0;
      let signatures = 0;
      const lane = async (): Promise<void> => {
        for (const end = performance.now() + 300; performance.now() < end; signatures++)
          await signers[signatures % KEYS]?.sign(scheme, Buffer.from(String(signatures)));
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return looks / signatures;
    };
    const crowd = await looksFor(IN_FLIGHT);
    t.ok(crowd < 0.5, `${crowd} looks for a signature of ${IN_FLIGHT} at once`);
    const alone = await looksFor(1);
    t.ok(alone > 0.9, `${alone} looks for a signature of one alone`);
  },
);

t.test(
  "a device that does not hash cannot be watched: each signature is verified",
  onSoftHsm(),
  async (t) => {
    if (folder === undefined || noCompiler() !== false) return;
    const module = new TableModule(folder);
    t.teardown(() => module.close());
    module.reset();
    module.fault("C_DigestInit", { does: "fail", rv: 0x54, times: -1 });
    const { backend, signers } = await open({ module: module.path, isolation: "inline" });
    t.teardown(() => backend.close());
    const [signer] = signers;
    if (signer === undefined) return;
    for (let exchange = 1; exchange < 16; exchange++) {
      t.not(await outcome(signer), "wrong");
      module.change({ exchange });
      for (let n = 0; n < 4; n++) t.not(await outcome(signer), "wrong");
      module.change({});
    }
    t.equal(await outcome(signer), "good");
  },
);

t.test(
  "a handle from before the sessions were lost signs nothing, also where another backend had them made anew",
  onSoftHsm(),
  async (t) => {
    if (folder === undefined || noCompiler() !== false) return;
    const module = new TableModule(folder);
    t.teardown(() => module.close());
    for (const isolation of ["inline", "process"] as const) {
      module.reset();
      const one = await open({ module: module.path, isolation });
      const other = await open({ module: module.path, isolation });
      const [first, second] = [one, other].map(({ signers }, n) => signers[n]) as [Signer, Signer];
      for (let n = 0; n < 200; n++) await first.sign(scheme, Buffer.from(String(n)));
      const lose = async (exchange: number): Promise<void> => {
        module.change({ exchange });
        module.fault("C_SignInit", { does: "fail", rv: 0xb3 });
        t.equal(await outcome(second), "good");
      };
      for (let exchange = 1; exchange < 16; exchange++) {
        t.equal(await outcome(first), "good");
        await lose(exchange);
        t.equal(await outcome(first), "good", `${isolation}, exchange ${exchange}`);
        await lose(0);
      }
      await one.backend.close();
      await other.backend.close();
    }
  },
);

t.test("a handle that names a longer key by now is looked up again", onSoftHsm(), async (t) => {
  if (folder === undefined || noCompiler() !== false) return;
  const module = new TableModule(folder);
  t.teardown(() => module.close());
  module.reset();
  const refusals: (string | undefined)[] = [];
  const onEvent = (event: Pkcs11Event): void => {
    if (event.type === "recovered") refusals.push(event.error.rv);
  };
  const { backend, signers } = await open({ module: module.path, isolation: "inline", onEvent }, "lengths");
  t.teardown(() => backend.close());
  const signer = signers[SHORT];
  if (signer === undefined) return;
  for (let exchange = 1; exchange < 16; exchange++) {
    for (let n = 0; n < 4; n++) t.equal(await outcome(signer), "good");
    module.change({ exchange });
    for (let n = 0; n < 4; n++) t.equal(await outcome(signer), "good", `after exchange ${exchange}`);
    module.change({});
  }
  t.ok(refusals.includes("CKR_BUFFER_TOO_SMALL"), refusals.join(" "));
});

type Counts = Record<"good" | "failed" | "wrong", number>;

function add(counts: Counts, more: Counts): void {
  for (const kind of ["good", "failed", "wrong"] as const) counts[kind] += more[kind];
}

async function signWithAll(signers: readonly Signer[]): Promise<Counts> {
  const counts = { good: 0, failed: 0, wrong: 0 };
  const calls = Array.from({ length: IN_FLIGHT }, async (_, n) => {
    const signer = signers[n % signers.length];
    if (signer !== undefined) counts[await outcome(signer)]++;
  });
  await Promise.all(calls);
  return counts;
}

async function outcome(signer: Signer): Promise<keyof Counts> {
  const message = Buffer.from(String(Math.random()));
  try {
    const signature = await signer.sign(scheme, message);
    return (await webCrypto().verify(signer.publicKey, scheme, message, signature)) ? "good" : "wrong";
  } catch (error) {
    if (error instanceof CredentialError && error.retryable) return "failed";
    throw error;
  }
}

async function open(options: Pkcs11BackendOptions, token = "exchange") {
  const backend = pkcs11Backend(options);
  const signers: Signer[] = [];
  for (const name of names)
    signers.push(await backend.signer(`pkcs11:token=${token};object=${name}?pin-value=${PIN}`));
  return { backend, signers };
}

interface Native {
  load(path: string): void;
  C_Finalize(): void;
  C_Initialize(options: { flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { label: string };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_FindObjectsInit(session: Buffer, template: readonly { type: number; value: number | Buffer }[]): void;
  C_FindObjects(session: Buffer, count: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_SignInit(session: Buffer, mechanism: { mechanism: number }, key: Buffer): void;
  C_Sign(session: Buffer, input: Buffer, output: Buffer): Buffer;
}

function onSoftHsm(): { skip?: string } {
  return noToken === false ? {} : { skip: noToken };
}
