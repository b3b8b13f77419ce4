import { basename } from "node:path";
import { shellWord } from "@ddscred/core";

/**
 * What a module needs besides itself, by the name of its file: it says no more than a return value where that is
 * missing. Undefined where nothing is known.
 *
 * @param isTold whether it was started with parameters
 */
export function startHint(path: string, isTold: boolean): string | undefined {
  const name = basename(path);
  if (/softokn/i.test(name)) return isTold ? NSS_TOLD : nss(path);
  return hints.find(([pattern]) => pattern.test(name))?.[1];
}

const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /softhsm/i,
    "SoftHSM reads SOFTHSM2_CONF, else ~/.config/softhsm2/softhsm2.conf, else /etc/softhsm/softhsm2.conf: the file and its directories.tokendir must be there, and be readable and writable for you (Debian: group softhsm).",
  ],
  [/opencryptoki/i, "Start its daemon (`pkcsslotd`), and join the group pkcs11."],
  [
    /tpm2_?pkcs11/i,
    "It wants a TPM that you may use (group tss), or TPM2_PKCS11_TCTI, and a folder for its store (TPM2_PKCS11_STORE, else ~/.tpm2_pkcs11). On a machine without a TPM it does no harm.",
  ],
  [/p11-kit-client/i, "P11_KIT_SERVER_ADDRESS names its server's socket: `p11-kit server` must run there."],
];

function nss(path: string): string {
  const command = `ddscred doctor --module ${shellWord(path)} --library-parameters "configDir='sql:$HOME/nss'"`;
  return `NSS's softokn must be told where its database is (libraryParameters): \`${command}\`, with your folder. Where it always is that one, state it in p11-kit's file of the module (x-init-reserved) or in openssl.cnf (pkcs11-module-init-args).`;
}

const NSS_TOLD =
  "Correct configDir in its parameters, configDir='sql:FOLDER': the folder of cert9.db, where `certutil -L -d sql:FOLDER` lists certificates.";
