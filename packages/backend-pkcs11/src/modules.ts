import { realpathSync } from "node:fs";
import { CredentialError, matchesModule, type Pkcs11Uri, redactUri } from "@ddscred/core";
import type { BorrowedModule, Module } from "./cryptoki/module.ts";
import { chooseModule } from "./discovery/choose.ts";
import type { Discovery, ModuleCandidate } from "./discovery/discover.ts";
import { OPTION } from "./discovery/parameters.ts";

/** Opens the module at a path, started with a text where it wants one. */
export type ModuleOpener = (path: string, parameters?: string) => Promise<BorrowedModule>;

export interface ModuleChoice {
  /** The module of all URIs that name none. */
  readonly module?: string | undefined;
  /** What modules are started with. Where modules are looked for too: that one, or one of the environment. */
  readonly libraryParameters?: string | undefined;
  /** Whether a URI may name another one. */
  readonly allowModuleFromUri: boolean;
  /** The only ones that may be loaded; undefined for all. */
  readonly allowed?: readonly string[] | undefined;
  /** Looks for modules where neither names one. */
  readonly discover?: (() => Promise<Discovery>) | undefined;
}

/** The modules that one backend uses, each opened when a URI first needs it. */
export class Modules {
  readonly #choice: ModuleChoice;
  readonly #open: ModuleOpener;
  #discovery: Promise<Discovery> | undefined;
  readonly #borrowed = new Map<string, Promise<BorrowedModule>>();

  constructor(choice: ModuleChoice, open: ModuleOpener) {
    this.#choice = choice;
    this.#open = open;
  }

  /**
   * The module that may hold what the URI names (RFC 7512 2.4). Where a module is configured, it is the one:
   * `module-path` must name it too. Else `module-path` decides, if URIs may name modules at all. `module-name`
   * is compared with the one found so. Where neither names one, it is looked for, if that is wanted.
   *
   * `MODULE_REQUIRED`, `MODULE_REFUSED`, and what opening a module may throw.
   */
  async forUri(uri: Pkcs11Uri): Promise<Module> {
    const { module, libraryParameters, discover } = this.#choice;
    if (discover === undefined || module !== undefined || uri.query["module-path"] !== undefined) {
      const path = this.#pathFor(uri);
      return await this.#module(path, await this.parametersFor(path));
    }
    const discovery = await this.#found(discover);
    if (libraryParameters !== undefined && !isAnyMeant(discovery)) throw nobodyMeant();
    const open = ({ path, parameters }: ModuleCandidate) => this.#module(path, parameters?.text.reveal());
    const fits = (path: string): boolean => nameFits(uri, path) && this.#isAllowed(path);
    return await chooseModule(uri, discovery, fits, open);
  }

  /** What a module is started with: what the caller says, else what the machine's configuration states for its file. */
  async parametersFor(path: string): Promise<string | undefined> {
    const { module, libraryParameters, discover } = this.#choice;
    if (discover === undefined || (module !== undefined && libraryParameters !== undefined))
      return libraryParameters;
    const { candidates } = await this.#found(discover);
    const known = candidates.find((one) => one.exists && isSameFile(one.path, path));
    return known?.parameters?.text.reveal();
  }

  /** Gives all back. */
  async close(): Promise<void> {
    for (const borrowed of this.#borrowed.values()) {
      // A module that did not open has nothing to give back; one whose token is gone cannot finalise well.
      await borrowed.then((opened) => opened.release()).catch(() => undefined);
    }
    this.#borrowed.clear();
  }

  async #found(discover: () => Promise<Discovery>): Promise<Discovery> {
    this.#discovery ??= discover();
    return await this.#discovery;
  }

  #pathFor(uri: Pkcs11Uri): string {
    const { "module-path": wanted, "module-name": name } = uri.query;
    const { module: configured, allowModuleFromUri } = this.#choice;
    if (configured !== undefined && isThisModule(uri, configured)) return configured;
    if (configured !== undefined && wanted !== undefined && !isSameFile(wanted, configured)) {
      throw new CredentialError(
        "MODULE_REFUSED",
        `module-path of the URI names ${redactUri(wanted)}, but ${redactUri(configured)} is the module configured`,
        { hint: "Take module-path out of the URI, or configure no module." },
      );
    }
    if (configured !== undefined) {
      throw new CredentialError(
        "MODULE_REQUIRED",
        `the module ${redactUri(configured)} is not the one that module-name names`,
        { hint: "Correct or remove module-name: it is compared with the file name without lib and .so." },
      );
    }
    if (wanted === undefined) throw new CredentialError("MODULE_REQUIRED", "no PKCS#11 module was named");
    if (!allowModuleFromUri) {
      throw new CredentialError("MODULE_REQUIRED", "the URI names a module, and none was configured", {
        hint: "Configure this module, or allow modules from URIs (allowModuleFromUri).",
      });
    }
    if (name === undefined || nameFits(uri, wanted)) return wanted;
    throw new CredentialError(
      "MODULE_REQUIRED",
      "module-name and module-path of the URI name different modules",
      { hint: "Leave one of the two out." },
    );
  }

  #isAllowed(path: string): boolean {
    return this.#choice.allowed?.some((one) => isSameFile(one, path)) ?? true;
  }

  async #module(path: string, parameters: string | undefined): Promise<Module> {
    const known = this.#borrowed.get(path);
    if (known !== undefined) return (await known).module;
    if (!this.#isAllowed(path)) {
      const message = `the PKCS#11 module ${redactUri(path)} is not among those that may be loaded`;
      throw new CredentialError("MODULE_REFUSED", message, { hint: "Add its path to allowedModules." });
    }
    const opening = this.#open(path, parameters);
    this.#borrowed.set(path, opening);
    try {
      return (await opening).module;
    } catch (error) {
      this.#borrowed.delete(path); // it may be there the next time
      throw error;
    }
  }
}

/** Whether the parameters that the caller gave are for one of the modules that were found. */
function isAnyMeant({ candidates }: Discovery): boolean {
  return candidates.some(({ parameters }) => parameters?.where === OPTION);
}

function nobodyMeant(): CredentialError {
  const message = "library parameters are given, and the environment names no module that is there";
  return new CredentialError("MODULE_REQUIRED", message, { hint: "Name the module that they are for." });
}

/** Whether the URI's module attributes name the module, by its path as it is written or as it really is. */
function isThisModule(uri: Pkcs11Uri, configured: string): boolean {
  const { "module-path": wanted } = uri.query;
  if (matchesModule(uri, configured) || matchesModule(uri, realPath(configured))) return true;
  return wanted !== undefined && isSameFile(wanted, configured) && nameFits(uri, configured);
}

function nameFits(uri: Pkcs11Uri, path: string): boolean {
  const { "module-path": _, ...query } = uri.query;
  return matchesModule({ ...uri, query }, path) || matchesModule({ ...uri, query }, realPath(path));
}

function isSameFile(path: string, other: string): boolean {
  return realPath(path) === realPath(other);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
