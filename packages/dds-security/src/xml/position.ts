import type { SourceLocation } from "@ddscred/core";

/**
 * Turns offsets into lines and columns. Offsets are asked for in rising order, so the whole text is walked
 * once, however long its lines are; an offset further back starts again from the top.
 */
export class PositionCursor {
  readonly #text: string;
  readonly #file: string | undefined;
  readonly #firstLine: number;
  #offset = 0;
  #line: number;
  #column = 1;

  constructor(text: string, file: string | undefined, firstLine: number) {
    this.#text = text;
    this.#file = file;
    this.#firstLine = firstLine;
    this.#line = firstLine;
  }

  /** Line and column of an offset. The column counts characters, not UTF-16 units. */
  at(offset: number): SourceLocation {
    if (offset < this.#offset) {
      this.#offset = 0;
      this.#line = this.#firstLine;
      this.#column = 1;
    }
    const end = Math.min(offset, this.#text.length);
    while (this.#offset < end) this.#step(this.#text.charCodeAt(this.#offset++));
    const [file, line, column] = [this.#file, this.#line, this.#column];
    return file === undefined ? { line, column } : { file, line, column };
  }

  #step(code: number): void {
    // CR LF is one line break: the line ends at its LF.
    if (code === LF || (code === CR && this.#text.charCodeAt(this.#offset) !== LF)) {
      this.#line++;
      this.#column = 1;
    } else if (code < LOW_SURROGATE || code > LAST_LOW_SURROGATE) {
      this.#column++;
    }
  }
}

const LF = 0x0a;
const CR = 0x0d;
const LOW_SURROGATE = 0xdc00;
const LAST_LOW_SURROGATE = 0xdfff;
