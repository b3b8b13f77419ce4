/**
 * What of a written text stands in the file itself: each variable is replaced by {@link VARIABLE}, the alternatives
 * of `${X:-...}` and `${X:+...}` are kept because they stand there, the messages of `${X:?...}` are not values. A
 * text that cannot be expanded is taken apart as far as it looks like variables. What is beyond the length of any
 * URI is left out.
 */
export function literalText(written: string): string {
  /** The variables that are open; true for one that holds a message. */
  const open: boolean[] = [];
  let messages = 0;
  let text = "";
  const add = (piece: string) => {
    if (messages === 0) text += piece;
  };
  for (const [token, operator] of written.slice(0, MAX_LENGTH).matchAll(TOKEN)) {
    if (operator === "}") add(VARIABLE);
    else if (operator !== undefined) {
      const isMessage = operator === ":?";
      if (isMessage) add(VARIABLE);
      open.push(isMessage);
      if (isMessage) messages++;
    } else if (token === "}" && open.length > 0) {
      if (open.pop() === true) messages--;
    } else add(token);
  }
  return text;
}

/** A character for private use, which stands in no URI. */
export const VARIABLE = "\uE000";

/** `${NAME}`, the beginning of `${NAME:-`, a closing brace, or other text. */
const TOKEN = /\$\{[^:}]{0,256}(:[-+?]|\})|\}|[^$}]+|\$/g;
const MAX_LENGTH = 65_536;
