export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Two hexadecimal digits an octet, in lower case. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
