import type { AbortSignalLike } from "@ddscred/core";
import { TokenAccess } from "./access.ts";
import { discoverModules } from "./discovery/discover.ts";
import { type ModuleOpener, Modules } from "./modules.ts";
import type { Pkcs11BackendOptions } from "./options.ts";
import { tracedOpener } from "./trace.ts";

/**
 * The way to tokens that the options describe, with what holds where they say nothing.
 *
 * @param closing ends waiting for a PIN
 */
export function accessBy(
  options: Pkcs11BackendOptions,
  open: ModuleOpener,
  closing: AbortSignalLike,
): TokenAccess {
  const { module, libraryParameters, pin, allowModuleFromUri = true, allowedModules } = options;
  const { discover = false, pinCommands = [] } = options;
  const { maxRefusedPins = Number.POSITIVE_INFINITY, allowFinalTry = false } = options;
  const { sessions = Number.POSITIVE_INFINITY, keepAlive, onEvent, trace } = options;
  const search = () => discoverModules({ option: module, parameters: libraryParameters });
  const choice = {
    module,
    libraryParameters,
    allowModuleFromUri,
    allowed: allowedModules && [...allowedModules],
    discover: discover ? search : undefined,
  };
  const modules = new Modules(choice, tracedOpener(open, trace));
  const pins = { provider: pin, commands: [...pinCommands], closing };
  const rules = { maxRefusedPins, allowFinalTry, sessions, keepAlive, onEvent };
  return new TokenAccess(modules, pins, rules);
}
