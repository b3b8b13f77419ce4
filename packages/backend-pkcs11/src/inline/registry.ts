import type { BorrowedModule } from "../cryptoki/module.ts";
import { Registry } from "../registry.ts";
import { loadBinding } from "./binding.ts";
import { refuseDeadlyParameters } from "./deadly-parameters.ts";
import { InlineModule } from "./inline-module.ts";
import { moduleFile } from "./module-file.ts";

const modules = new Registry<InlineModule>();

/**
 * Borrows the module at a path, loading and initialising it in this process where nobody has yet.
 *
 * `BINDING_UNAVAILABLE`, `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE`, `MODULE_NOT_PKCS11`, `MODULE_FAILED`.
 */
export async function borrowModule(path: string, parameters?: string): Promise<BorrowedModule> {
  const real = moduleFile(path);
  const binding = await loadBinding();
  const make = (): InlineModule => {
    refuseDeadlyParameters(real, parameters);
    return new InlineModule(binding, real, parameters);
  };
  const borrowed = await modules.borrow(real, make, parameters);
  return { module: borrowed.shared, release: () => borrowed.release() };
}
