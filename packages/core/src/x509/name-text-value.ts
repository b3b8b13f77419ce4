import { CredentialError } from "../errors/credential-error.ts";
import { utf8Bytes, utf8Text } from "../host.ts";

/** Collects a value; blanks at its ends are dropped unless they were escaped or quoted. */
export class ValueText {
  readonly #octets: number[] = [];
  #kept = 0;

  /** The character at a position, where blanks at the end do not count; the position behind it. */
  plain(text: string, at: number): number {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (this.#octets.length === 0 && /\s/.test(character)) return at + 1;
    this.#octets.push(...utf8Bytes(character));
    if (!/\s/.test(character)) this.#kept = this.#octets.length;
    return at + character.length;
  }

  significant(text: string, at: number): number {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    return this.#keep(utf8Bytes(character), at + character.length);
  }

  octet(octet: number, next: number): number {
    return this.#keep([octet], next);
  }

  finish(position: number): string {
    const text = utf8Text(Uint8Array.from(this.#octets.slice(0, this.#kept)));
    if (text === undefined) throw nameInvalid(position, "the escaped bytes of the value are not UTF-8");
    return text;
  }

  #keep(octets: Iterable<number>, next: number): number {
    this.#octets.push(...octets);
    this.#kept = this.#octets.length;
    return next;
  }
}

/** The error of a text that is no name; `position` counts characters from 0. */
export function nameInvalid(position: number, problem: string, cause?: unknown): CredentialError {
  return new CredentialError(
    "NAME_INVALID",
    `the name is not valid at character ${position + 1}: ${problem}`,
    {
      position,
      section: "RFC 4514",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
