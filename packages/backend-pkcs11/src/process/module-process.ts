import type { ChildProcess } from "node:child_process";
import { CredentialError } from "@ddscred/core";
import { forkChild } from "./fork-child.ts";
import { crashed, notStarted, replaced, timeout } from "./losses.ts";
import { type Answer, fromWire, type Method, type Request, revealed, START, type Start } from "./protocol.ts";

/** One call that the process is to make. */
export interface Call {
  readonly method: Method;
  /** The C_ function that it is about, for errors. */
  readonly function: string;
  /** A Secret among them, or as `pin` of one of them, is revealed when the message is sent. */
  readonly args: readonly unknown[];
  /** Milliseconds that it may take once all calls before it have ended. */
  readonly deadline: number;
}

/**
 * A child process that owns a module, from its start to its end. Any number of calls may be under way. When
 * one does not end in time, or the process ends by itself, all of them fail and the process is lost: there is
 * no other way to end a call into native code.
 */
export class ModuleProcess {
  /** Settles when the module is ready, or failed to start. */
  readonly started: Promise<void>;
  /** Settles when the process is gone. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #lost: () => void;
  /** In the order in which they were made, which is the order in which the process takes them up. */
  readonly #underWay = new Map<number, Pending>();
  readonly #outbox: Pending[] = [];
  #lastId = START;
  /** The oldest call under way, and since when it is that. */
  #oldest: Pending | undefined;
  #oldestSince = 0;
  /** The last one that was given more time, once. */
  #spared: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #isEnding = false;
  #loss: CredentialError | undefined;

  /**
   * @param deadline milliseconds that loading and initialising the module may take
   * @param lost is called, once, when no call can be made any more
   */
  constructor(path: string, parameters: string | undefined, deadline: number, lost: () => void) {
    this.#lost = lost;
    this.#child = forkChild(path);
    this.#child.send({ parameters } satisfies Start, () => undefined);
    this.#child.unref();
    this.#child.stdio[4]?.on("error", () => undefined);
    (this.#child.stdio[4] as { unref?(): void } | null | undefined)?.unref?.();
    this.gone = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        this.#lose(crashed(code, signal));
        resolve();
      });
      this.#child.once("error", (error) => {
        this.#lose(notStarted(path, error));
        if (this.#child.pid === undefined) resolve();
      });
    });
    this.#child.on("message", (answers: readonly Answer[]) => this.#settle(answers));
    this.started = new Promise<unknown>((resolve, reject) => {
      this.#begin(
        { method: "library", function: "C_Initialize", args: [], deadline },
        START,
        resolve,
        reject,
      );
    }) as Promise<void>;
  }

  call(call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#loss !== undefined) return reject(this.#loss);
      const pending = this.#begin(call, ++this.#lastId, resolve, reject);
      if (this.#outbox.push(pending) === 1) process.nextTick(() => this.#send());
    });
  }

  /** Lets the process finalise the module and end, and ends it where it does not. */
  async end(deadline: number): Promise<void> {
    this.#isEnding = true;
    this.call({ method: "end", function: "C_Finalize", args: [], deadline }).catch(() => undefined);
    await this.gone;
  }

  /** Ends the process at once. */
  kill(reason: CredentialError): void {
    this.#lose(reason);
    this.#child.kill("SIGKILL");
  }

  #begin(
    call: Call,
    id: number,
    resolve: (result: unknown) => void,
    reject: (error: Error) => void,
  ): Pending {
    const pending = { ...call, id, resolve, reject };
    this.#underWay.set(id, pending);
    if (this.#oldest === undefined) {
      this.#takeAsOldest(pending);
      this.#hold(true);
    }
    return pending;
  }

  /** Sends what was asked for in this turn as one message. */
  #send(): void {
    if (this.#loss !== undefined) return;
    const requests = this.#outbox
      .splice(0)
      .map(({ id, method, args }): Request => [id, method, ...args.map(revealed)]);
    this.#child.send(requests, () => undefined); // where it cannot be sent, the process is ending
  }

  #settle(answers: readonly Answer[]): void {
    for (const [id, result, error] of answers) {
      const pending = this.#underWay.get(id);
      this.#underWay.delete(id);
      if (error === undefined) pending?.resolve(result);
      else pending?.reject(fromWire(error));
    }
    if (this.#oldest === undefined || this.#underWay.has(this.#oldest.id)) return;
    const [next] = this.#underWay.values();
    this.#takeAsOldest(next);
    if (next === undefined) this.#hold(false);
  }

  /** The program stays for as long as it waits for an answer, or for the end, and no longer. */
  #hold(isWaiting: boolean): void {
    const change = isWaiting ? "ref" : "unref";
    this.#child[change]();
    this.#child.channel?.[change]();
  }

  /** The clock of a call starts when all before it have ended: one that waits in line does not hang. */
  #takeAsOldest(pending: Pending | undefined): void {
    this.#oldest = pending;
    this.#oldestSince = performance.now();
    if (pending !== undefined) this.#watch(this.#oldestSince + pending.deadline);
  }

  /** One timer for all calls, which looks again when it was set for a call that has ended. */
  #watch(due: number): void {
    if (this.#timerDue <= due) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    const check = (): void => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      const oldest = this.#oldest;
      if (oldest === undefined) return;
      const end = this.#oldestSince + oldest.deadline;
      const now = performance.now();
      if (end > now) return this.#watch(end);
      const late = now - due;
      if (late < LATE || oldest === this.#spared) return this.#timeOut(oldest);
      // This program did not have its turn, and perhaps no other had: the answer may wait to be read, or come yet.
      this.#spared = oldest;
      this.#oldestSince += now - end + Math.min(late, oldest.deadline);
      this.#watch(this.#oldestSince + oldest.deadline);
    };
    this.#timer = setTimeout(check, Math.ceil(due - performance.now())).unref();
  }

  #timeOut(hanging: Pending): void {
    this.#underWay.delete(hanging.id);
    hanging.reject(timeout(hanging.function, hanging.deadline));
    this.kill(replaced(hanging.function));
  }

  #lose(reason: CredentialError): void {
    if (this.#loss !== undefined) return;
    this.#loss = reason;
    this.#oldest = undefined;
    this.#hold(this.#isEnding);
    this.#lost();
    for (const { function: call, reject } of this.#underWay.values()) {
      const { code, message, hint, retryable } = reason;
      reject(new CredentialError(code, message, { hint, retryable, call }));
    }
    this.#underWay.clear();
  }
}

/** Milliseconds that a timer may be late on a machine under load. */
const LATE = 20;

interface Pending extends Call {
  readonly id: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}
