import { realpathSync } from "node:fs";
import { CredentialError, matchesModule, type Pkcs11Uri } from "@ddscred/core";
import type { BorrowedModule, Module } from "./cryptoki/module.ts";

/** Opens the module at a path. */
export type ModuleOpener = (path: string) => Promise<BorrowedModule>;

export interface ModuleChoice {
  /** The module of all URIs that name none. */
  readonly module?: string | undefined;
  /** Whether a URI may name another one. */
  readonly allowModuleFromUri: boolean;
}

/** The modules that one backend uses, each opened when a URI first needs it. */
export class Modules {
  readonly #choice: ModuleChoice;
  readonly #open: ModuleOpener;
  readonly #borrowed = new Map<string, Promise<BorrowedModule>>();

  constructor(choice: ModuleChoice, open: ModuleOpener) {
    this.#choice = choice;
    this.#open = open;
  }

  /**
   * The modules that may hold what the URI names (RFC 7512 2.4). `module-path` decides, where URIs may name
   * modules at all; where they may not, it must name the configured one. `module-name` picks among those that
   * are configured: nothing is searched for by name.
   *
   * `MODULE_REQUIRED`, and what opening a module may throw.
   */
  async forUri(uri: Pkcs11Uri): Promise<readonly Module[]> {
    return [await this.#module(this.#pathFor(uri))];
  }

  /** Gives all back. */
  async close(): Promise<void> {
    for (const borrowed of this.#borrowed.values()) {
      // A module that did not open has nothing to give back; one whose token is gone cannot finalise well.
      await borrowed.then((opened) => opened.release()).catch(() => undefined);
    }
    this.#borrowed.clear();
  }

  #pathFor(uri: Pkcs11Uri): string {
    const { "module-path": wanted, "module-name": name } = uri.query;
    const { module: configured, allowModuleFromUri } = this.#choice;
    const isConfigured = configured !== undefined && isThisModule(uri, configured);
    if (isConfigured) return configured;
    if (wanted !== undefined && allowModuleFromUri) {
      if (name === undefined || nameFits(uri, wanted)) return wanted;
      throw new CredentialError(
        "MODULE_REQUIRED",
        "module-name and module-path of the URI name different modules",
        {
          hint: "Leave one of the two out.",
        },
      );
    }
    if (wanted !== undefined) {
      throw new CredentialError("MODULE_REQUIRED", "the URI names a module that was not configured", {
        hint: "Configure this module, or allow modules from URIs (allowModuleFromUri).",
      });
    }
    if (configured === undefined) throw new CredentialError("MODULE_REQUIRED", "no PKCS#11 module was named");
    throw new CredentialError(
      "MODULE_REQUIRED",
      `the module ${configured} is not the one that module-name names`,
      {
        hint: "Correct or remove module-name: it is compared with the file name without lib and .so.",
      },
    );
  }

  async #module(path: string): Promise<Module> {
    const known = this.#borrowed.get(path);
    if (known !== undefined) return (await known).module;
    const opening = this.#open(path);
    this.#borrowed.set(path, opening);
    try {
      return (await opening).module;
    } catch (error) {
      this.#borrowed.delete(path); // it may be there the next time
      throw error;
    }
  }
}

/** Whether the URI's module attributes name the module, by its path as it is written or as it really is. */
function isThisModule(uri: Pkcs11Uri, configured: string): boolean {
  const { "module-path": wanted } = uri.query;
  if (matchesModule(uri, configured) || matchesModule(uri, realPath(configured))) return true;
  return wanted !== undefined && realPath(wanted) === realPath(configured) && nameFits(uri, configured);
}

function nameFits(uri: Pkcs11Uri, path: string): boolean {
  const { "module-path": _, ...query } = uri.query;
  return matchesModule({ ...uri, query }, path) || matchesModule({ ...uri, query }, realPath(path));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
