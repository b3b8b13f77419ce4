/**
 * Any credential URI, valid or not, as it may be shown: every PIN, the content of data:, PEM text and the
 * user part of an authority are replaced by `[redacted]`.
 *
 * It works on text that does not parse too, because that is what most errors are about. It never looks for
 * the end of a PIN, because a PIN may hold any separator: what follows is shown again only from an attribute
 * of RFC 7512 on. Linear in the length, and what is longer than any URI is cut.
 */
export function redactUri(uri: string): string {
  const shown = uri.length > MAX_SHOWN ? `${uri.slice(0, MAX_SHOWN)}\u2026` : uri;
  const redacted = redactData(redactPins(shown).replace(USER_INFO, `//${REDACTED}@`));
  return FIVE_DASHES.test(redacted) ? REDACTED : redacted;
}

/** Whether nothing of the text may be quoted, not even parts that look harmless: one of them may belong to a PIN. */
export function hidesSecret(text: string): boolean {
  return new RegExp(PIN, "i").test(text) || redactUri(text) !== text;
}

/** Whether an attribute of this name may hold a PIN: pin-value, and whatever else speaks of a PIN. */
export function isSecretName(name: string): boolean {
  return /pin/i.test(name);
}

function redactPins(text: string): string {
  const ofFile = /^\s*file:/i.test(text);
  const pins = new RegExp(PIN, "gi");
  let shown = "";
  let from = 0;
  for (let pin = pins.exec(text); pin !== null; pin = pins.exec(text)) {
    const nameEnd = pins.lastIndex;
    const reference = matchAt(REFERENCE, text, nameEnd);
    if (reference !== undefined) {
      pins.lastIndex = nameEnd + reference.length;
      continue;
    }
    const tail =
      (ofFile ? undefined : matchAt(NAME_WITHOUT_EQUALS, text, nameEnd)) ?? matchAt(NAME_TAIL, text, nameEnd);
    if (tail === undefined || (nameEnd + tail.length === text.length && !tail.endsWith("="))) continue;
    const spelling = /^(?:[-_a-z]|%2d|%5f)*/i.exec(tail)?.[0] ?? "";
    shown += `${text.slice(from, nameEnd)}${spelling}=${REDACTED}`;
    KNOWN_ATTRIBUTE.lastIndex = nameEnd + tail.length;
    from = KNOWN_ATTRIBUTE.exec(text)?.index ?? text.length;
    pins.lastIndex = from;
  }
  return shown + text.slice(from);
}

function redactData(text: string): string {
  const data = /(?:^|[^a-z0-9+.-])data:/i.exec(text);
  if (data === null) return text;
  const end = data.index + data[0].length;
  return `${text.slice(0, end)}${MEDIA_TYPE.exec(text.slice(end, end + 100))?.[0] ?? ""},${REDACTED}`;
}

function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0];
}

const REDACTED = "[redacted]";
const MAX_SHOWN = 16_384;

/** The letters p, i, n: plain, escaped once or several times over, and with line ends between them. */
const PIN = String.raw`(?:p|%(?:25)*[57]0)\s*(?:i|%(?:25)*[46]9)\s*(?:n|%(?:25)*[46]e)`;
/** The rest of a name up to its "=", whatever it is made of. */
const NAME_TAIL = /[^=;&?]{0,64}?(?:=|%(?:25)*3d)/iy;
/** pin-value and its kin where "=" was forgotten or comes late. */
const NAME_WITHOUT_EQUALS = /(?:[-_\s\u2010-\u2015]|%(?:25)*(?:2d|5f|20))*(?:value|source|file)(?:\s*=)?/iy;
/** pin-source with a mere reference, which is no secret. */
const REFERENCE = /-source=(?:file|env|fd|systemd):[^;&\s]*/iy;
/** From here on, text is an attribute that holds no PIN. */
const KNOWN_ATTRIBUTE =
  /[;&?](?:token|manufacturer|serial|model|library-(?:manufacturer|version|description)|object|type|id|slot-(?:description|manufacturer|id)|pin-source|module-(?:name|path))=/gi;
const MEDIA_TYPE =
  /^(?:(?:application|text)\/[-+.a-z0-9]{1,40})?(?:;charset=[-a-z0-9]{1,20})?(?:;base64)?(?=,)/i;
const USER_INFO = /\/\/[^/\s?#@]*@/g;
const FIVE_DASHES = /(?:-|%(?:25)*2d){5}/i;
