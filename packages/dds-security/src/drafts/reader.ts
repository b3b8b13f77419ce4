import { CredentialError } from "@ddscred/core";
import { parseDateTime } from "../documents/date-time.ts";

/** One place of a JSON value, which came from anywhere; every refusal names the place. */
export class Reader {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  invalid(message: string): CredentialError {
    const place = this.#path === "" ? "the description" : this.#path;
    return new CredentialError("DESCRIPTION_INVALID", `${place}: ${message}`);
  }

  /** Refuses members of other names. */
  only(...names: readonly string[]): void {
    for (const name of Object.keys(this.#object())) {
      if (!names.includes(name)) {
        throw this.invalid(`"${name.slice(0, 64)}" is unknown; there may be ${names.join(", ")}`);
      }
    }
  }

  at(name: string): Reader {
    const object = this.#object();
    const path = this.#path === "" ? name : `${this.#path}.${name}`;
    return new Reader(Object.hasOwn(object, name) ? object[name] : undefined, path);
  }

  /** The elements of an array; none where there is no array. */
  list(): readonly Reader[] {
    if (this.#value === undefined) return [];
    if (!Array.isArray(this.#value)) throw this.invalid("a list is expected");
    if (this.#value.length > MAX_LIST) throw this.invalid(`there are more than ${MAX_LIST}`);
    return this.#value.map((element: unknown, index) => new Reader(element, `${this.#path}[${index}]`));
  }

  isText(): boolean {
    return typeof this.#value === "string";
  }

  /** A number or a text, as text. */
  scalar(): string {
    if (typeof this.#value === "number" || typeof this.#value === "string") return String(this.#value);
    throw this.invalid("a number or a text is expected");
  }

  flag(otherwise: boolean): boolean {
    if (this.#value === undefined) return otherwise;
    if (typeof this.#value !== "boolean") throw this.invalid("true or false is expected");
    return this.#value;
  }

  oneOf<Word extends string>(words: readonly Word[], otherwise?: Word): Word {
    if (this.#value === undefined && otherwise !== undefined) return otherwise;
    const word = words.find((each) => each === this.#value);
    if (word === undefined) throw this.invalid(`one of ${words.join(", ")} is expected`);
    return word;
  }

  /** A name or pattern: what XML and every implementation keep as it is. */
  name(otherwise?: string): string {
    if (this.#value === undefined && otherwise !== undefined) return otherwise;
    if (typeof this.#value !== "string") throw this.invalid("a text is expected");
    const text = this.#value;
    if (text === "" || text.length > MAX_NAME) throw this.invalid(`1 to ${MAX_NAME} characters are expected`);
    // Blanks at the ends and controls do not survive XML, and half of a pair is no character.
    if (text.trim() !== text || /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u.test(text)) {
      throw this.invalid("blanks at the ends and control characters cannot stand in a document");
    }
    return text;
  }

  /** A date, or a date and time; without a zone it is UTC. */
  time(otherwise: Date): Date {
    if (this.#value === undefined) return otherwise;
    const text = this.scalar();
    const moment = parseDateTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
    if (moment === undefined) throw this.invalid("a time such as 2027-01-31T12:00:00Z is expected");
    if (moment.getTime() > MAX_TIME || moment.getTime() < 0) {
      throw this.invalid("not all implementations read times before 1970 or after 2262-04-11");
    }
    return moment;
  }

  #object(): Record<string, unknown> {
    const value = this.#value ?? {};
    if (typeof value !== "object" || Array.isArray(value)) throw this.invalid("an object is expected");
    return value as Record<string, unknown>;
  }
}

const MAX_LIST = 10_000;
const MAX_NAME = 1_024;
/** The last nanosecond that 64 bits hold. */
const MAX_TIME = Date.UTC(2262, 3, 11, 23, 47, 16);
