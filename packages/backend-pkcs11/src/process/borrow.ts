import type { BorrowedModule } from "../cryptoki/module.ts";
import { moduleFile } from "../inline/module-file.ts";
import { Registry } from "../registry.ts";
import { ModuleHost } from "./module-host.ts";
import { ProcessModule } from "./process-module.ts";

const hosts = new Registry<ModuleHost>();

/**
 * Borrows the module at a path, starting the process for it where nobody has yet. For the errors see the
 * inline `borrowModule`.
 *
 * @param deadline milliseconds that a call may take; a login, and starting the module, three times as long
 */
export async function borrowProcessModule(
  path: string,
  deadline: number,
  parameters?: string,
): Promise<BorrowedModule> {
  const real = moduleFile(path);
  const make = (): ModuleHost => new ModuleHost(real, parameters);
  const host = await hosts.borrow(real, make, parameters, (shared) => shared.initialise(deadline));
  return { module: new ProcessModule(host.shared, deadline), release: () => host.release() };
}

/** The module in a process of its own that nobody else uses, and which sees what has come since others began. */
export async function freshProcessModule(
  path: string,
  deadline: number,
  parameters?: string,
): Promise<BorrowedModule> {
  const host = new ModuleHost(moduleFile(path), parameters);
  await host.initialise(deadline);
  return { module: new ProcessModule(host, deadline), release: () => host.finalise() };
}
