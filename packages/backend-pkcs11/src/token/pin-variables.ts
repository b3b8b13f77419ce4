import type { Pkcs11Uri } from "@ddscred/core";

/** The environment variables that URIs name as the source of a PIN, as far as they are known. */
export const pinVariables = new Set<string>();

/** Notes the variable that holds the PIN of a URI, before a process is started for its module. */
export function notePinVariable({ query: { "pin-source": source = "" } }: Pkcs11Uri): void {
  notePinSource(source);
}

/**
 * Keeps an environment variable from the processes of modules, where a PIN source (`env:NAME`) names one. For a source
 * that is read by a PIN provider; those of URIs are known.
 */
export function notePinSource(source: string): void {
  if (source.length > 4 && source.slice(0, 4).toLowerCase() === "env:") pinVariables.add(source.slice(4));
}
