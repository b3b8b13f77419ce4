/**
 * Any credential URI, valid or not, as it may be shown: the values of `pin-value` and of every `pin-source`
 * that is not a mere reference, and the content of `data:`, are replaced.
 *
 * It works on text that does not parse too, because that is what most errors are about.
 */
export function redactUri(uri: string): string {
  if (/^\s*data:/i.test(uri)) return uri.replace(/^\s*(data:(?:[^,]{0,80}(?=,))?)[^]*$/i, "$1,[redacted]");
  if (/-----BEGIN /.test(uri)) return "[redacted]";
  return uri.replace(PIN_ATTRIBUTE, (whole, name: string, value: string) =>
    /^pin-source$/i.test(name) && REFERENCE.test(value) ? whole : `${name}=[redacted]`,
  );
}

// A name ends at "=", a value at the next separator; spellings with escapes or blanks are covered on purpose.
const PIN_ATTRIBUTE = /((?:x-)?pin[-_%a-z0-9]*)\s*=\s*([^;&\s]*)/gi;
const REFERENCE = /^(?:file|env|fd|systemd):/i;
