import { basename } from "node:path";
import { CredentialError } from "@ddscred/core";

/**
 * `MODULE_FAILED` instead of the end of the process: NSS softokn crashes in C_Initialize where its parameters name
 * neither a folder for its database nor say that there is none.
 */
export function refuseDeadlyParameters(path: string, parameters: string | undefined): void {
  if (parameters === undefined || !/softokn/i.test(basename(path))) return;
  if (/configdir=\S|nocertdb/i.test(parameters)) return;
  const message = `the PKCS#11 module ${path} cannot start: its parameters name no folder of a database (configDir)`;
  throw new CredentialError("MODULE_FAILED", message, {
    call: "C_Initialize",
    hint: "Give it the folder where cert9.db is: configDir='sql:FOLDER'.",
  });
}
