import { join } from "node:path";
import type { DiscoveryWorld } from "../world.ts";

/**
 * The configuration that OpenSSL reads: OPENSSL_CONF (also where it names nothing that is there), else
 * openssl.cnf in OPENSSLDIR. Which folder that is, OpenSSL was told when it was built; `openssl version -d`
 * says it.
 *
 * @param folder OPENSSLDIR where it is known; else the usual places are tried
 * @returns undefined where there is none
 */
export async function locateOpensslConfig(
  world: DiscoveryWorld,
  folder?: string,
): Promise<string | undefined> {
  const { OPENSSL_CONF: chosen } = world.environment;
  if (chosen !== undefined) return chosen === "" ? undefined : chosen;
  const places = folder === undefined ? usualPlaces : [join(folder, "openssl.cnf")];
  for (const place of places) if (await world.exists(place)) return place;
  return undefined;
}

/** Debian, Arch and Alpine and SUSE, Red Hat, built by hand, Homebrew. */
const usualPlaces = [
  "/etc/ssl/openssl.cnf",
  "/usr/lib/ssl/openssl.cnf",
  "/etc/pki/tls/openssl.cnf",
  "/usr/local/ssl/openssl.cnf",
  "/usr/local/etc/openssl@3/openssl.cnf",
  "/opt/homebrew/etc/openssl@3/openssl.cnf",
];
