/**
 * A PIN or a passphrase. However JavaScript prints it (template, JSON, inspect, concatenation) it reads
 * `[redacted]`; only {@link Secret.reveal} gives the text, and is called where the text is used up.
 *
 * What JavaScript cannot promise: a string cannot be wiped from memory. See SECURITY.md.
 */
export class Secret {
  readonly #text: string;

  /** @param text the secret itself, exactly: nothing is trimmed. */
  constructor(text: string) {
    if (typeof text !== "string") throw new TypeError("a Secret holds a string");
    this.#text = text;
  }

  /** The secret text. Use it at once; never store, log or concatenate it. */
  reveal(): string {
    return this.#text;
  }

  /** Whether it holds no character at all. */
  get isEmpty(): boolean {
    return this.#text.length === 0;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

const REDACTED = "[redacted]";
