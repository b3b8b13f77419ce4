import { setTimeout as sleep } from "node:timers/promises";
import { CredentialError } from "@ddscred/core";
import { Handles } from "../cryptoki/handles.ts";
import { DEADLINE } from "../options.ts";
import type { Shared } from "../registry.ts";
import { LoginBook } from "../token/login-book.ts";
import { SessionBook } from "../token/session-book.ts";
import { type Call, ModuleProcess } from "./module-process.ts";

/**
 * A module in a process of its own, which is replaced when it was lost. All users of the module in this
 * program share it; who is logged in, and which PINs were refused, is known here and survives the process.
 */
export class ModuleHost implements Shared {
  readonly path: string;
  readonly #parameters: string | undefined;
  readonly logins = new LoginBook();
  readonly shared = new SessionBook();
  readonly handles = new Handles(this);
  /** Grows when a process is gone, and all handles with it. */
  epoch = 1;
  #process: ModuleProcess | undefined;
  #starting: Promise<ModuleProcess> | undefined;
  #lastGone: Promise<void> = Promise.resolve();

  /** @param path the real one */
  constructor(path: string, parameters?: string) {
    this.path = path;
    this.#parameters = parameters;
  }

  /** @param deadline milliseconds that a call may take; the start may take three times as long, after that of the process */
  async initialise(deadline = DEADLINE): Promise<void> {
    await this.#ready(deadline);
  }

  async finalise(): Promise<void> {
    const running = await this.#starting?.catch(() => undefined);
    await (running ?? this.#process)?.end(LAST_WORDS);
  }

  async call(call: Call): Promise<unknown> {
    return await (this.#process ?? (await this.#ready(call.deadline))).call(call);
  }

  /** Replaces the process of an epoch, if that has not happened yet. */
  restart(epoch: number): void {
    if (epoch !== this.epoch) return;
    const message = "the PKCS#11 module was started anew, because it did not recover by itself";
    this.#process?.kill(new CredentialError("SESSION_LOST", message, { retryable: true }));
  }

  async #ready(deadline: number): Promise<ModuleProcess> {
    if (this.#process !== undefined) return this.#process;
    this.#starting ??= this.#start(Math.min(PROCESS + STARTING * deadline, LONGEST)).finally(() => {
      this.#starting = undefined;
    });
    return await this.#starting;
  }

  async #start(deadline: number): Promise<ModuleProcess> {
    // What the last process held, a reader perhaps, is free when it is gone.
    await settledWithin(this.#lastGone, LAST_WORDS);
    const started = new ModuleProcess(this.path, this.#parameters, deadline, () => {
      this.epoch++;
      if (this.#process === started) this.#process = undefined;
    });
    this.#lastGone = started.gone;
    try {
      await started.started;
    } catch (error) {
      const reason = startError(this.path, error);
      started.kill(reason);
      throw reason;
    }
    this.#process = started;
    return started;
  }
}

async function settledWithin(promise: Promise<void>, milliseconds: number): Promise<void> {
  const end = new AbortController();
  const patience = sleep(milliseconds, undefined, { signal: end.signal }).catch(() => undefined);
  await Promise.race([promise, patience]);
  end.abort();
}

/** What ends a process that has not started yet is about the start; the module's own words stay as they are. */
function startError(path: string, error: unknown): CredentialError {
  if (!(error instanceof CredentialError)) return new CredentialError("INTERNAL", String(error));
  if (error.code !== "DEVICE_ERROR" || error.rv !== undefined) return error;
  const message = `the PKCS#11 module ${path} failed to start: ${error.message}`;
  return new CredentialError("MODULE_FAILED", message, { call: "C_Initialize", retryable: true });
}

/** Milliseconds for the process itself, which a machine under load takes seconds to start. */
const PROCESS = 5_000;
/** Deadlines of a call in which a module must start: some look for their devices first. */
const STARTING = 3;
/** Milliseconds that a timer knows. */
const LONGEST = 2 ** 31 - 1;
/** Milliseconds for a module to finalise. */
const LAST_WORDS = 2_000;
