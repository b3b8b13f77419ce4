/** Two hexadecimal digits an octet, in lower case. */
export function hexOf(octets: Iterable<number>): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
