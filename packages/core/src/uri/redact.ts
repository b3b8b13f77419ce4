/**
 * Any credential URI, valid or not, as it may be shown: PINs and passwords, values in the query that are not
 * known to be harmless, the content of data:, key text without armour, PEM text and the user part of an
 * authority are replaced by `[redacted]`.
 *
 * It works on text that does not parse too, because that is what most errors are about. It never looks for
 * the end of a secret, because a PIN may hold any separator: nothing after it is shown. Linear in the length,
 * and what is longer than any URI is cut.
 */
export function redactUri(uri: string): string {
  const text = uri.slice(0, MAX_SHOWN);
  const secret = firstSecret(text);
  const visible = secret === undefined ? text : `${text.slice(0, secret.at)}${secret.glue}${REDACTED}`;
  const cut = secret === undefined && text.length < uri.length ? "\u2026" : "";
  return visible + cut;
}

/** Whether nothing of the text may be quoted, not even parts that look harmless: one of them may belong to a PIN. */
export function hidesSecret(text: string): boolean {
  return (
    /pin|pass|pwd|secret(?!-?key)|token-?code|credential/i.test(legible(text).text) ||
    redactUri(text) !== text
  );
}

/** Whether an attribute of this name may hold a secret: pin-value, and whatever else speaks of a PIN or password. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * Whether what stands for the name of a PIN source is most likely the PIN itself: four characters or more, none of them a
 * letter. Such a name is shown nowhere.
 */
export function looksLikePin(name: string): boolean {
  return new RegExp(`^${PIN_AS_NAME}$`, "u").test(name.trim());
}

/** Where a secret begins, and what joins the text before it with `[redacted]`. */
interface Hidden {
  readonly at: number;
  readonly glue: string;
}

function firstSecret(text: string): Hidden | undefined {
  const read = legible(text);
  const secrets = [
    secretAttribute(text, read),
    queryValue(text),
    userOf(text),
    dataContent(text),
    bareKey(read),
  ]
    .filter((secret) => secret !== undefined)
    .sort((a, b) => a.at - b.at);
  const dashes = read.text.indexOf("-----");
  if (dashes !== -1 && endOf(read, dashes) <= (secrets[0]?.at ?? text.length)) return { at: 0, glue: "" };
  return secrets[0];
}

/** A text without blanks, its escapes read, once or several times over; `ends` says where each character ended. */
interface Legible {
  readonly text: string;
  readonly ends: readonly number[];
}

function legible(raw: string): Legible {
  const characters: string[] = [];
  const ends: number[] = [];
  for (const { 0: piece, 1: escape, index } of raw.matchAll(/%(?:25)*([0-9a-f]{2})|[^]/gi)) {
    const character = escape === undefined ? piece : String.fromCharCode(Number.parseInt(escape, 16));
    if (isInvisible(character)) continue;
    characters.push(/[\u2010-\u2015]/.test(character) ? "-" : character);
    ends.push(index + piece.length);
  }
  return { text: characters.join(""), ends };
}

function isInvisible(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? code <= 0x20 || code === 0x7f : /[\s\p{C}]/u.test(character);
}

/** Where a character of the legible text ended before; 0 for the place before the first. */
function endOf({ ends }: Legible, index: number): number {
  return ends[index] ?? 0;
}

/** An attribute whose name speaks of a secret, wherever it stands and however it is spelt. */
function secretAttribute(raw: string, read: Legible): Hidden | undefined {
  const isPath = PATH.test(raw);
  const words = new RegExp(SECRET_WORD, "gi");
  // Where a name ends; in a path, a folder is no name.
  const stops = isPath ? /[=;&?/]|$/g : /[=;&?]|$/g;
  let stop = -1;
  for (let word = words.exec(read.text); word !== null; word = words.exec(read.text)) {
    const end = words.lastIndex;
    const reference = matchAt(REFERENCE, read.text, end);
    if (reference !== undefined) {
      words.lastIndex = end + reference.length;
      continue;
    }
    if (stop < end) {
      stops.lastIndex = end;
      stop = stops.exec(read.text)?.index ?? read.text.length;
    }
    const forgotten = !isPath && matchAt(NAME_WITHOUT_EQUALS, read.text, end) !== undefined;
    if (!forgotten && read.text[stop] !== "=") continue;
    const nameEnd = end + (matchAt(NAME_END, read.text, end)?.length ?? 0);
    return { at: endOf(read, nameEnd - 1), glue: read.text[stop] === "=" ? "=" : " " };
  }
  return undefined;
}

/** The first value of a query that is not known to be harmless: vendors' attributes may hold passwords. */
function queryValue(raw: string): Hidden | undefined {
  let question = raw.indexOf("?");
  if (PATH.test(raw) || /\s/.test(raw.slice(0, Math.max(question, 0)).trim())) {
    // A path or a sentence has a query only where a PKCS#11 URI stands in it.
    const scheme = raw.search(/pkcs11:/i);
    question = scheme === -1 ? -1 : raw.indexOf("?", scheme);
  }
  if (question === -1) return undefined;
  let at = question + 1;
  for (const attribute of raw.slice(at).split("&")) {
    if (attribute !== "" && !HARMLESS.test(attribute)) {
      return { at: at + (/^[-\w.%]{1,64}=/.exec(attribute)?.[0].length ?? 0), glue: "" };
    }
    at += attribute.length + 1;
  }
  return undefined;
}

/** The user part of an authority, password included. */
function userOf(raw: string): Hidden | undefined {
  const start = raw.search(/\/\/[^/\s?#@]*@/);
  return start === -1 ? undefined : { at: start + 2, glue: "" };
}

function dataContent(raw: string): Hidden | undefined {
  const data = /(?:^|[^a-z0-9+.-])data:/i.exec(raw);
  if (data === null) return undefined;
  const end = data.index + data[0].length;
  return { at: end + (MEDIA_TYPE.exec(raw.slice(end, end + 100))?.[0].length ?? 0), glue: "," };
}

/** Base64 where a path or a URI should stand: most likely a key that was pasted without its armour. */
function bareKey(read: Legible): Hidden | undefined {
  const [all, scheme = ""] = /^(file:(?:\/\/)?)?[a-z0-9+/]{40,}={0,2}$/i.exec(read.text) ?? [];
  const parts = all?.slice(scheme.length).split("/") ?? [];
  const random = (part: string) =>
    part.length >= 24 && [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(part));
  return parts.some(random) ? { at: endOf(read, scheme.length - 1), glue: "" } : undefined;
}

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0];
}

const REDACTED = "[redacted]";
const MAX_SHOWN = 16_384;

const SECRET_WORD = "pin|pass|pwd|secret|token-?code|credential";
const SECRET_NAME = new RegExp(SECRET_WORD, "i");
/** pin-value and its kin where "=" was forgotten. */
const NAME_WITHOUT_EQUALS = /[-_]*(?:value|source|file)(?=.)/iy;
/** What is shown of the rest of a name. */
const NAME_END = /[-_]*(?:value|source|file|word|phrase|code)/iy;
const PIN_AS_NAME = "/*[^\\p{L}/;&?]{4,}";
/** pin-source with a mere reference, which is no secret, unless the PIN stands in place of the name. */
const REFERENCE = new RegExp(`-source=(?:file|env|fd|systemd):(?!${PIN_AS_NAME}(?:[;&?]|$))[^;&?]*`, "iuy");
/** A file: URI or a bare path. */
const PATH = /^\s*(?:file:|\.{0,2}\/)|^[^\s:=?;,&]*$/i;
/** Attributes of a query that hold no secret. */
const HARMLESS = /^(?:module-(?:name|path)=|pin-source=(?:file|env|fd|systemd):)[^?;\s]*$/i;
const MEDIA_TYPE =
  /^(?:(?:application|text)\/[-+.a-z0-9]{1,40})?(?:;charset=[-a-z0-9]{1,20})?(?:;base64)?(?=,)/i;
