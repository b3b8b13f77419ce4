import { redactUri } from "@ddscred/core";

/** A path as a file: URI that says exactly this path. */
function fileUriOf(path: string): string {
  const escaped = path
    .split("/")
    .map((part) => encodeURIComponent(part))
    .join("/");
  // Two slashes at the start would begin a host.
  return escaped.startsWith("//") ? `file://${escaped.replace(/^\/+/, "/")}` : `file:${escaped}`;
}

/**
 * What Cyclone DDS reads a value as: `file:` with a path behind it as it stands (two slashes at its start do not
 * count), `data:,` with the text itself, or `pkcs11:`; leading blanks pass. Undefined for anything else.
 */
export function cycloneUri(value: string): PeerUri | undefined {
  const text = value.replace(/^[ \t]+/, "");
  if (text.startsWith("file:")) {
    const path = text.slice(text.startsWith("file://") ? 7 : 5);
    return { kind: "file", path, uri: fileUriOf(path) };
  }
  if (text.startsWith("data:,")) {
    return { kind: "data", uri: `data:,${encodeURIComponent(text.slice(6))}` };
  }
  return text.startsWith("pkcs11:") ? { kind: "pkcs11", uri: value } : undefined;
}

/**
 * What Fast DDS reads a value as: `file://` with a path behind it as it stands, or `pkcs11:`. Where the configuration is
 * not one of Fast DDS itself, `file:` stands for `file://`: whoever hands such values to Fast DDS writes them so.
 */
export function fastUri(value: string, written: boolean): PeerUri | undefined {
  if (value.startsWith("pkcs11:")) return { kind: "pkcs11", uri: value };
  const prefix = value.startsWith("file://") ? 7 : value.startsWith("file:") && !written ? 5 : 0;
  if (prefix === 0) return undefined;
  const path = value.slice(prefix);
  return { kind: "file", path, uri: fileUriOf(path) };
}

export interface PeerUri {
  readonly kind: "file" | "data" | "pkcs11";
  /** Of a file, as the implementation opens it. */
  readonly path?: string;
  /** A URI that means the same to ddscred's own sources. */
  readonly uri: string;
}

/** A path for a message: what looks like a passphrase in it is hidden, as in a URI. */
export const shownPath = (path: string): string => redactUri(`file:${path}`).slice("file:".length);
