import { isAbsolute, join } from "node:path";
import { redactUri, Secret } from "@ddscred/core";
import type { DiscoveryFinding } from "./finding.ts";
import { locateOpensslConfig } from "./openssl/locate.ts";
import { type ConfigEntry, type OpensslConfig, readOpensslConfig } from "./openssl/parse.ts";
import { type OpensslPkcs11, opensslPkcs11, type SecretEntry } from "./openssl/pkcs11.ts";
import { libraryFolders, p11KitModules } from "./p11-kit.ts";
import { type ModuleParameters, OPTION, parametersByFile } from "./parameters.ts";
import { type DiscoveryWorld, thisMachine } from "./world.ts";

/** A PKCS#11 module that the machine's configuration names. */
export interface ModuleCandidate {
  readonly path: string;
  readonly origin: ModuleOrigin;
  readonly exists: boolean;
  /** What the module is started with, where somebody says so; the same for all candidates of one file. */
  readonly parameters?: ModuleParameters;
}

/** Who names it. `where` is made for people: a variable, or a setting with its file and line. */
export interface ModuleOrigin {
  readonly kind: "option" | "uri" | "environment" | "engine" | "provider" | "p11-kit";
  readonly where: string;
}

export interface Discovery {
  /** The first that exists is used, unless the environment names one that does not. */
  readonly candidates: readonly ModuleCandidate[];
  /** About p11-kit's files, and about parameters that contradict others; those about OpenSSL's are in `openssl`. */
  readonly findings: readonly DiscoveryFinding[];
  /** Where was looked, and what was there, in words: for whom no candidate is left. */
  readonly searched: readonly string[];
  readonly openssl: OpensslDiscovery | undefined;
}

/** The configuration of OpenSSL that is in force. */
export interface OpensslDiscovery extends OpensslPkcs11 {
  /** The file that was named or found, then all that it includes. */
  readonly files: readonly string[];
  /** Whether OpenSSL can read it; else it takes nothing from it. */
  readonly isReadable: boolean;
}

export interface DiscoverOptions {
  /** The module that was named on the command line. */
  readonly option?: string | undefined;
  /** What that module is started with; without one, the first of the environment that is there. */
  readonly parameters?: string | undefined;
  /** `module-path` of the URI. */
  readonly uri?: string | undefined;
  /** OPENSSLDIR, where it is known. */
  readonly opensslFolder?: string | undefined;
  /** Default: this machine. */
  readonly world?: DiscoveryWorld;
}

/**
 * The modules that an option, a URI, the environment (PKCS11_MODULE_PATH, PKCS11_PROVIDER_MODULE), OpenSSL's
 * configuration and p11-kit's files name, in this order. Nothing is loaded. Odd files become findings; it does
 * not reject.
 */
export async function discoverModules(options: DiscoverOptions = {}): Promise<Discovery> {
  const { option, parameters, uri, opensslFolder, world = thisMachine() } = options;
  const named: Named[] = [];
  const searched: string[] = [];
  if (option !== undefined) named.push({ path: option, origin: { kind: "option", where: "--module" } });
  if (uri !== undefined) named.push({ path: uri, origin: { kind: "uri", where: "module-path of the URI" } });
  const openssl = await readOpenssl(world, opensslFolder);
  for (const variable of moduleVariables) {
    const path = world.environment[variable] ?? "";
    const origin = { kind: "environment", where: variable } as const;
    if (path === "") searched.push(`${variable} is not set`);
    else named.push({ path, origin, parameters: openssl && parametersFor(variable, openssl) });
  }
  const ofOpenssl = openssl === undefined ? [] : namedByOpenssl(openssl);
  if (openssl === undefined) searched.push("there is no openssl.cnf");
  else if (ofOpenssl.length === 0) searched.push(`${openssl.files[0]} names no PKCS#11 module`);
  const { modules, findings } = await p11KitModules(world);
  if (modules.length === 0) searched.push("p11-kit knows no module");
  const ofP11Kit = modules.map(({ file, ...module }) => ({
    ...module,
    origin: { kind: "p11-kit", where: file } as const,
  }));
  const found: (Named & { file: string; exists: boolean })[] = [];
  let given = parameters === undefined ? undefined : { text: new Secret(parameters), where: OPTION };
  for (const { path, origin, parameters: stated } of [...named, ...ofOpenssl, ...ofP11Kit]) {
    const place = ["option", "uri"].includes(origin.kind) ? path : await placeOf(path, world);
    const exists = await world.exists(place);
    // A URI with a PIN may stand where a path belongs.
    const shown = exists ? place : redactUri(place);
    const isMeant = exists && origin.kind === (option === undefined ? "environment" : "option");
    const own = (isMeant ? given : undefined) ?? stated;
    if (isMeant) given = undefined;
    found.push({ path: shown, origin, exists, file: await world.realPath(place), parameters: own });
    if (!exists) searched.push(`${shown}, which ${origin.where} names, does not exist`);
  }
  const byFile = parametersByFile(found);
  const candidates = found.map(({ path, origin, exists, file }): ModuleCandidate => {
    const own = byFile.parameters.get(file);
    return { path, origin, exists, ...(own === undefined ? {} : { parameters: own }) };
  });
  return { candidates, findings: [...findings, ...byFile.findings], searched, openssl };
}

interface Named {
  readonly path: string;
  readonly origin: ModuleOrigin;
  readonly parameters?: ModuleParameters | undefined;
}

async function readOpenssl(
  world: DiscoveryWorld,
  folder: string | undefined,
): Promise<OpensslDiscovery | undefined> {
  const file = await locateOpensslConfig(world, folder);
  if (file === undefined) return undefined;
  const config = await readOpensslConfig(file, world);
  const { findings, ...found } = opensslPkcs11(config);
  return {
    ...found,
    files: config.files.length === 0 ? [file] : config.files,
    isReadable: config.fault === undefined,
    findings: [...faultsOf(config), ...findings],
  };
}

function faultsOf({ fault }: OpensslConfig): DiscoveryFinding[] {
  if (fault === undefined) return [];
  const { message, file, line } = fault;
  return [
    {
      severity: "error",
      message: `OpenSSL cannot read its configuration: ${message}`,
      hint:
        line === undefined
          ? "Correct the path in OPENSSL_CONF, or unset it."
          : "Correct the line: until then OpenSSL ignores the file, with all that it configures.",
      location: line === undefined ? { file } : { file, line },
    },
  ];
}

function namedByOpenssl(openssl: OpensslPkcs11): Named[] {
  return sectionsOf(openssl).flatMap(({ kind, setting, modulePath, parameters }) =>
    modulePath === undefined
      ? []
      : [{ path: modulePath.value, origin: { kind, where: at(modulePath, setting) }, parameters }],
  );
}

/** A section that states parameters and names no module means the one that the environment names in its place. */
function parametersFor(variable: string, openssl: OpensslPkcs11): ModuleParameters | undefined {
  return sectionsOf(openssl).find(
    (section) =>
      section.variable === variable && section.modulePath === undefined && section.parameters !== undefined,
  )?.parameters;
}

function sectionsOf({ engines, providers }: OpensslPkcs11) {
  const stated = (entry: SecretEntry | undefined, setting: string): ModuleParameters | undefined =>
    entry === undefined ? undefined : { text: entry.value, where: at(entry, setting) };
  return [
    ...engines.map(({ modulePath, initArgs }) => ({
      kind: "engine" as const,
      setting: "MODULE_PATH",
      variable: "PKCS11_MODULE_PATH",
      modulePath,
      parameters: stated(initArgs, "INIT_ARGS"),
    })),
    ...providers.map(({ modulePath, initArgs }) => ({
      kind: "provider" as const,
      setting: "pkcs11-module-path",
      variable: "PKCS11_PROVIDER_MODULE",
      modulePath,
      parameters: stated(initArgs, "pkcs11-module-init-args"),
    })),
  ];
}

const at = ({ file, line }: Pick<ConfigEntry, "file" | "line">, setting: string): string =>
  `${setting} at ${file}:${line}`;

/** A name without a folder is looked for as the dynamic linker would, in the folders of libraries. */
async function placeOf(path: string, world: DiscoveryWorld): Promise<string> {
  if (isAbsolute(path) || path.includes("/")) return path;
  const folders = libraryFolders(world).flatMap((folder) => [folder, join(folder, "pkcs11")]);
  for (const folder of folders) if (await world.exists(join(folder, path))) return join(folder, path);
  return path;
}

/** Of libp11's ENGINE, and of pkcs11-provider. */
export const moduleVariables = ["PKCS11_MODULE_PATH", "PKCS11_PROVIDER_MODULE"] as const;
