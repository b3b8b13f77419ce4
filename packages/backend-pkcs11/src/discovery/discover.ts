import { isAbsolute, join } from "node:path";
import { redactUri } from "@ddscred/core";
import type { DiscoveryFinding } from "./finding.ts";
import { locateOpensslConfig } from "./openssl/locate.ts";
import { type ConfigEntry, type OpensslConfig, readOpensslConfig } from "./openssl/parse.ts";
import { type OpensslPkcs11, opensslPkcs11 } from "./openssl/pkcs11.ts";
import { libraryFolders, p11KitModules } from "./p11-kit.ts";
import { type DiscoveryWorld, thisMachine } from "./world.ts";

/** A PKCS#11 module that the machine's configuration names. */
export interface ModuleCandidate {
  readonly path: string;
  readonly origin: ModuleOrigin;
  readonly exists: boolean;
}

/** Who names it. `where` is made for people: a variable, or a setting with its file and line. */
export interface ModuleOrigin {
  readonly kind: "option" | "uri" | "environment" | "engine" | "provider" | "p11-kit";
  readonly where: string;
}

export interface Discovery {
  /** The first that exists is used. */
  readonly candidates: readonly ModuleCandidate[];
  /** About p11-kit's files; those about OpenSSL's are in `openssl`. */
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
  const { option, uri, opensslFolder, world = thisMachine() } = options;
  const named: Named[] = [];
  const searched: string[] = [];
  if (option !== undefined) named.push({ path: option, origin: { kind: "option", where: "--module" } });
  if (uri !== undefined) named.push({ path: uri, origin: { kind: "uri", where: "module-path of the URI" } });
  for (const variable of moduleVariables) {
    const path = world.environment[variable] ?? "";
    if (path === "") searched.push(`${variable} is not set`);
    else named.push({ path, origin: { kind: "environment", where: variable } });
  }
  const openssl = await readOpenssl(world, opensslFolder);
  const ofOpenssl = openssl === undefined ? [] : namedByOpenssl(openssl);
  if (openssl === undefined) searched.push("there is no openssl.cnf");
  else if (ofOpenssl.length === 0) searched.push(`${openssl.files[0]} names no PKCS#11 module`);
  const { modules, findings } = await p11KitModules(world);
  if (modules.length === 0) searched.push("p11-kit knows no module");
  const ofP11Kit = modules.map(({ path, file }) => ({
    path,
    origin: { kind: "p11-kit", where: file } as const,
  }));
  const candidates: ModuleCandidate[] = [];
  for (const { path, origin } of [...named, ...ofOpenssl, ...ofP11Kit]) {
    const place = ["option", "uri"].includes(origin.kind) ? path : await placeOf(path, world);
    const exists = await world.exists(place);
    // A URI with a PIN may stand where a path belongs.
    const shown = exists ? place : redactUri(place);
    candidates.push({ path: shown, origin, exists });
    if (!exists) searched.push(`${shown}, which ${origin.where} names, does not exist`);
  }
  return { candidates, findings, searched, openssl };
}

interface Named {
  readonly path: string;
  readonly origin: ModuleOrigin;
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

function namedByOpenssl({ engines, providers }: OpensslPkcs11): Named[] {
  const at = ({ file, line }: ConfigEntry, setting: string) => `${setting} at ${file}:${line}`;
  return [
    ...engines.map(({ modulePath }) => ({ modulePath, kind: "engine", setting: "MODULE_PATH" }) as const),
    ...providers.map(
      ({ modulePath }) => ({ modulePath, kind: "provider", setting: "pkcs11-module-path" }) as const,
    ),
  ].flatMap(({ modulePath, kind, setting }) =>
    modulePath === undefined
      ? []
      : [{ path: modulePath.value, origin: { kind, where: at(modulePath, setting) } }],
  );
}

/** A name without a folder is looked for as the dynamic linker would, in the folders of libraries. */
async function placeOf(path: string, world: DiscoveryWorld): Promise<string> {
  if (isAbsolute(path) || path.includes("/")) return path;
  const folders = libraryFolders(world).flatMap((folder) => [folder, join(folder, "pkcs11")]);
  for (const folder of folders) if (await world.exists(join(folder, path))) return join(folder, path);
  return path;
}

/** Of libp11's ENGINE, and of pkcs11-provider. */
const moduleVariables = ["PKCS11_MODULE_PATH", "PKCS11_PROVIDER_MODULE"] as const;
