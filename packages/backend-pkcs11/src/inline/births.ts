/**
 * Objects that the module makes on another thread. Some modules let objects be seen before they are whole, and the
 * binding does not bear an attribute that grows while it is read: whoever reads waits until they are made.
 */
export class Births {
  readonly #underWay = new Set<Promise<unknown>>();

  async during<T>(make: () => Promise<T>): Promise<T> {
    const making = make();
    this.#underWay.add(making);
    try {
      return await making;
    } finally {
      this.#underWay.delete(making);
    }
  }

  /** When none is under way; undefined where that is now. */
  over(): Promise<void> | undefined {
    return this.#underWay.size === 0 ? undefined : this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}
