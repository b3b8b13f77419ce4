import type { ModuleReport } from "../cryptoki/report.ts";
import { borrowProcessModule } from "../process/process-module.ts";

/**
 * Loads a module, in a process of its own, and asks it about itself. A module that crashes or hangs is an
 * error like any other.
 *
 * `BINDING_UNAVAILABLE`, `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE`, `MODULE_NOT_PKCS11`, `MODULE_REFUSED`,
 * `MODULE_FAILED`, `DEVICE_ERROR`, `TIMEOUT`.
 *
 * @param deadline milliseconds that each of the two steps may take
 */
export async function examineModule(path: string, deadline = 10_000): Promise<ModuleReport> {
  const { module, release } = await borrowProcessModule(path, deadline);
  try {
    return await module.examine();
  } finally {
    await release().catch(() => undefined); // the report is good, however the module ends
  }
}
