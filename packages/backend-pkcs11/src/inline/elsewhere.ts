import { nativeError } from "./native-error.ts";

/** The calls of a module that are under way on threads of libuv. */
export class Elsewhere {
  /** What the binding uses there. Being here keeps the buffers alive: the binding does not. */
  readonly #underWay = new Set<object>();
  #whenIdle: (() => void)[] = [];

  get isBusy(): boolean {
    return this.#underWay.size > 0 || this.#whenIdle.length > 0;
  }

  /**
   * Makes one call there.
   *
   * @param call its name, for errors
   * @param used all that the binding is given
   */
  run<T>(
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

  /** When none is under way. */
  async idle(): Promise<void> {
    if (this.#underWay.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #done(used: object): void {
    this.#underWay.delete(used);
    if (this.#underWay.size > 0 || this.#whenIdle.length === 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
