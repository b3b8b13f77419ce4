import { CKF_OS_LOCKING_OK } from "../cryptoki/constants.ts";
import type { InitializeOptions, NativeModule } from "./binding.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { startError } from "./load.ts";
import { native, returnValue } from "./native-error.ts";
import { ThreadUsers } from "./thread-users.ts";

/** From C_Initialize to C_Finalize, both of which count for the whole process. */
export class Lifecycle {
  readonly #native: NativeModule;
  readonly #path: string;
  readonly #options: InitializeOptions;
  readonly #elsewhere: Elsewhere;
  readonly #users: ThreadUsers;
  #isInUse = false;
  /** How often it was found initialised by another library. */
  #adoptions = 0;

  constructor(
    nativeModule: NativeModule,
    path: string,
    parameters: string | undefined,
    elsewhere: Elsewhere,
  ) {
    this.#native = nativeModule;
    this.#path = path;
    // The binding loses the last character; where it does not, one NUL more ends the same text.
    this.#options = parameters === undefined ? OPTIONS : { ...OPTIONS, libraryParameters: `${parameters}\0` };
    this.#elsewhere = elsewhere;
    this.#users = new ThreadUsers(path);
  }

  /** Grows also where another thread of this process started the module anew. */
  get epoch(): number {
    return this.#users.generation + this.#adoptions;
  }

  /** Whether no other thread uses the module. */
  get isAlone(): boolean {
    return this.#users.isAlone;
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
    await this.#elsewhere.idle();
    if (!this.#isInUse) return;
    this.#isInUse = false;
    this.#users.leave(() => native("C_Finalize", () => this.#native.C_Finalize()));
  }

  /** Finalises and initialises where that harms nobody; initialises where the module is not initialised any more. */
  restart(epoch: number): void {
    if (epoch !== this.epoch || this.#elsewhere.isBusy || !this.#isInUse) return;
    if (this.#users.isAlone && this.#users.isOurs) {
      try {
        this.#native.C_Finalize();
      } catch {
        // somebody else may have finalised it, or its device is gone
      }
    }
    this.#start();
  }

  /** Another library started it anew without a word: no handle is ours any more, and it is not ours to finalise. */
  noteForeignStart(): void {
    this.#users.adopted();
  }

  /** C_Initialize; where that was done already, by another thread or another library, all is well too. */
  #start(): void {
    try {
      this.#native.C_Initialize(this.#options);
      this.#users.initialised();
    } catch (error) {
      if (returnValue(error) !== CKR_CRYPTOKI_ALREADY_INITIALIZED)
        throw startError(this.#path, "C_Initialize", error, this.#options !== OPTIONS);
      if (!this.#isInUse) this.#adoptions++;
    }
  }
}

/** Without the flag a module believes in a single thread, and signing on another corrupts its heap. */
const OPTIONS: InitializeOptions = { flags: CKF_OS_LOCKING_OK };

const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191;
