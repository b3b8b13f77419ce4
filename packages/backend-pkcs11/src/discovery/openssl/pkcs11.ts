import { Secret } from "@ddscred/core";
import type { DiscoveryFinding } from "../finding.ts";
import type { ConfigEntry, ConfigSection, OpensslConfig } from "./parse.ts";

/** What a configuration of OpenSSL says about PKCS#11. */
export interface OpensslPkcs11 {
  /** OpenSSL 1.x: sections of an ENGINE for PKCS#11. */
  readonly engines: readonly EngineSection[];
  /** OpenSSL 3.x: the sections of all providers, for which are there decides about the default one. */
  readonly providers: readonly ProviderSection[];
  readonly findings: readonly DiscoveryFinding[];
}

export interface EngineSection {
  readonly id: string;
  readonly at: ConfigEntry;
  /** The ENGINE's own library. */
  readonly dynamicPath?: ConfigEntry;
  /** The PKCS#11 module. */
  readonly modulePath?: ConfigEntry;
  /** What the module is started with. */
  readonly initArgs?: SecretEntry;
  /** Where a PIN stands; its value is not here. */
  readonly pinAt?: Place;
}

export interface ProviderSection {
  readonly name: string;
  readonly at: ConfigEntry;
  readonly isForPkcs11: boolean;
  /** The provider's own library. */
  readonly module?: ConfigEntry;
  /** The PKCS#11 module. */
  readonly modulePath?: ConfigEntry;
  /** What the module is started with. */
  readonly initArgs?: SecretEntry;
  readonly activate?: ConfigEntry;
  readonly pinAt?: Place;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

/** A setting that may hold passwords. */
export interface SecretEntry extends Place {
  readonly value: Secret;
}

/**
 * Follows the configuration from `openssl_conf` to its engines and providers, the way OpenSSL does (config(5)):
 * a section that nothing leads to does nothing.
 */
export function opensslPkcs11({ sections }: OpensslConfig): OpensslPkcs11 {
  const findings: DiscoveryFinding[] = [];
  const follow = (entry: ConfigEntry): ConfigSection => {
    const section = sections.get(entry.value);
    if (section === undefined) findings.push(missingSection(entry));
    return section ?? new Map();
  };
  const start = sections.get("default")?.get("openssl_conf");
  const modules = start === undefined ? [] : [...follow(start)];
  const children = (kind: string) =>
    modules
      .filter(([name]) => name.split(".")[0] === kind)
      .flatMap(([, entry]) => [...follow(entry)])
      .map(([name, at]) => ({ name: name.slice(name.indexOf(".") + 1), at, section: follow(at) }));
  const engines = children("engines").map(engineSection).filter(isForPkcs11);
  const providers = children("providers").map(providerSection);
  findings.push(...unreachable(sections, start, [...engines, ...providers]));
  return { engines, providers, findings };
}

interface Child {
  readonly name: string;
  readonly at: ConfigEntry;
  readonly section: ConfigSection;
}

function engineSection({ name, at, section }: Child): EngineSection {
  return {
    id: section.get("engine_id")?.value ?? name,
    at,
    ...present("dynamicPath", section.get("dynamic_path")),
    ...present("modulePath", section.get("MODULE_PATH")),
    ...present("initArgs", secretOf(section.get("INIT_ARGS"))),
    ...present("pinAt", placeOf(section.get("PIN"))),
  };
}

/** By what it is called, or by what it is given: the names are the administrator's. */
function isForPkcs11({ id, dynamicPath, modulePath }: EngineSection): boolean {
  return id === "pkcs11" || modulePath !== undefined || /pkcs11/i.test(dynamicPath?.value ?? "");
}

function providerSection({ name, at, section }: Child): ProviderSection {
  const provider = section.get("identity")?.value ?? name;
  const module = section.get("module");
  const modulePath = section.get("pkcs11-module-path");
  return {
    name: provider,
    at,
    isForPkcs11: modulePath !== undefined || /pkcs11/i.test(`${provider} ${module?.value ?? ""}`),
    ...present("module", module),
    ...present("modulePath", modulePath),
    ...present("initArgs", secretOf(section.get("pkcs11-module-init-args"))),
    ...present("activate", section.get("activate")),
    ...present("pinAt", placeOf(section.get("pkcs11-module-token-pin"))),
  };
}

function missingSection({ value, file, line }: ConfigEntry): DiscoveryFinding {
  return {
    severity: "error",
    message: `there is no section [${value}], to which this line leads`,
    hint: `Add the section [${value}], or correct its name.`,
    location: { file, line },
  };
}

/** Sections about PKCS#11 that nothing leads to: the usual case of a snippet at the wrong place. */
function unreachable(
  sections: OpensslConfig["sections"],
  start: ConfigEntry | undefined,
  found: readonly (EngineSection | ProviderSection)[],
): DiscoveryFinding[] {
  const reached = new Set(found.map(({ at }) => at.value));
  return [...sections].flatMap(([name, section]) => {
    const entry = section.get("MODULE_PATH") ?? section.get("pkcs11-module-path");
    if (entry === undefined || reached.has(name)) return [];
    const { file, line } = entry;
    const hint =
      start === undefined
        ? "Write `openssl_conf = openssl_init` before the first [section] of the file, and lead from [openssl_init] to this one."
        : `Lead from [${start.value}] to it: \`engines =\` for OpenSSL 1.x, \`providers =\` for 3.x.`;
    const message = `OpenSSL does not use the section [${name}]: nothing leads to it from openssl_conf`;
    return [{ severity: "warning", message, hint, location: { file, line } }];
  });
}

function placeOf(entry: ConfigEntry | undefined): Place | undefined {
  return entry === undefined ? undefined : { file: entry.file, line: entry.line };
}

/** An empty one says nothing. */
function secretOf(entry: ConfigEntry | undefined): SecretEntry | undefined {
  if (entry === undefined || entry.value === "") return undefined;
  return { value: new Secret(entry.value), file: entry.file, line: entry.line };
}

function present<N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: V };
}
