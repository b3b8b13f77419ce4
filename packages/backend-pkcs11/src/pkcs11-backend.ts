import { Pkcs11Backend } from "./backend.ts";
import { borrowModule } from "./inline/registry.ts";
import type { ModuleOpener } from "./modules.ts";
import { DEADLINE, type Pkcs11BackendOptions } from "./options.ts";
import { borrowProcessModule } from "./process/borrow.ts";
import type { Pkcs11Source } from "./source.ts";

/**
 * The backend of `pkcs11:` URIs: certificates and private keys on tokens, through a PKCS#11 module. Nothing is
 * loaded before the first call. A private key never leaves its token.
 */
export function pkcs11Backend(options: Pkcs11BackendOptions = {}): Pkcs11Source {
  const { isolation = "process", deadline = DEADLINE } = options;
  const open: ModuleOpener =
    isolation === "inline"
      ? borrowModule
      : (path, parameters) => borrowProcessModule(path, deadline, parameters);
  return new Pkcs11Backend(options, open);
}
