/**
 * What was made of some bytes lately, by their digest or another short name: the same peer comes again, and its bytes
 * mean the same. Only what does not depend on the time may be kept here; the oldest gives way.
 */
export class Recent<T> {
  readonly #known = new Map<string, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  async get(name: Uint8Array, make: () => Promise<T> | T): Promise<T> {
    const key = String.fromCharCode.apply(null, name as unknown as number[]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = await make();
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= this.#most) this.#known.delete(oldest);
    this.#known.set(key, made);
    return made;
  }
}
