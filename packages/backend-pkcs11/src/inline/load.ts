import { CredentialError } from "@ddscred/core";
import type { Binding, NativeModule } from "./binding.ts";
import { nativeError, returnValue } from "./native-error.ts";
import { startHint } from "./start-hint.ts";

/**
 * Loads the library of a module. `MODULE_NOT_PKCS11`, `MODULE_NOT_LOADABLE` with the words of the dynamic
 * linker, `MODULE_FAILED`.
 *
 * @param path of a file that {@link moduleFile} let pass
 */
export function loadNative(binding: Binding, path: string): NativeModule {
  const loaded = new binding.PKCS11();
  try {
    loaded.load(path);
  } catch (error) {
    throw loadError(path, error); // and the object is forgotten: it is half loaded, any call would crash
  }
  keptForever.push(loaded);
  return loaded;
}

/**
 * `MODULE_FAILED`: a module that answered one of the calls with which it starts by a return value.
 *
 * @param isTold whether it was started with parameters
 */
export function startError(path: string, call: string, error: unknown, isTold = false): CredentialError {
  const { message, rv } = nativeError(call, error);
  const reason = rv === undefined ? message : `${call}: ${rv}`;
  const hint = startHint(path, isTold) ?? (rv === "CKR_ARGUMENTS_BAD" ? WANTS_TEXT : undefined);
  return new CredentialError("MODULE_FAILED", `the PKCS#11 module ${path} failed to start (${reason})`, {
    call,
    ...(rv === undefined ? {} : { rv }),
    ...(rv === undefined || call !== "C_Initialize" || hint === undefined ? {} : { hint }),
  });
}

function loadError(path: string, error: unknown): CredentialError {
  if (returnValue(error) !== undefined) return startError(path, "C_GetFunctionList", error);
  const detail = error instanceof Error ? error.message : "no reason given";
  return detail.includes("C_GetFunctionList")
    ? new CredentialError("MODULE_NOT_PKCS11", `${path} is no PKCS#11 module: it has no C_GetFunctionList`)
    : new CredentialError("MODULE_NOT_LOADABLE", `the PKCS#11 module cannot be loaded: ${detail}`);
}

/** The binding's objects of all libraries loaded: when one is collected, its library is unloaded under our feet. */
const keptForever: NativeModule[] = [];

const WANTS_TEXT =
  "The module wants a text to start with, or another one or none: libraryParameters of the backend, --library-parameters of the program.";
