/** As one word of a command to paste, whatever it holds: labels come from tokens, paths from configurations. */
export const shellWord = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
