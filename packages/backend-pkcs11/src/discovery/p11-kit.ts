import { isAbsolute, join } from "node:path";
import { Secret } from "@ddscred/core";
import type { DiscoveryFinding } from "./finding.ts";
import type { ModuleParameters } from "./parameters.ts";
import type { DiscoveryWorld } from "./world.ts";

/** A module that p11-kit's files name. */
export interface P11KitModule {
  readonly path: string;
  /** The file that names it. */
  readonly file: string;
  /** `x-init-reserved`: what p11-kit starts it with. */
  readonly parameters?: ModuleParameters | undefined;
}

/**
 * The modules that p11-kit would offer to this program (pkcs11.conf(5)), the one of the highest priority
 * first, then by file name. A file of the administrator or of the user adds to, and overrides, the packager's
 * of the same name. Stores of trusted certificates are no tokens, and left out.
 */
export async function p11KitModules(
  world: DiscoveryWorld,
): Promise<{ modules: readonly P11KitModule[]; findings: readonly DiscoveryFinding[] }> {
  const merged = new Map<string, Merged>();
  const findings: DiscoveryFinding[] = [];
  for (const folder of foldersOf(world)) {
    const names = (await world.listFolder(folder)).filter((name) => name.endsWith(".module"));
    for (const name of names.sort().slice(0, MAX_FILES)) {
      const file = join(folder, name);
      const reading = await world.readFile(file);
      if (reading.text === undefined) findings.push(unread(file, reading.reason));
      const own = p11KitSettings(reading.text ?? "");
      const below = merged.get(name);
      const settings = new Map([...(below?.settings ?? []), ...own]);
      const parameters = own.has(RESERVED) ? parametersIn(own, file) : below?.parameters;
      merged.set(name, { file: own.has("module") ? file : (below?.file ?? file), settings, parameters });
    }
  }
  const wanted = [...merged].filter(([, { settings }]) => isOffered(settings));
  wanted.sort(([a, x], [b, y]) => priority(y.settings) - priority(x.settings) || (a < b ? -1 : 1));
  const modules: P11KitModule[] = [];
  for (const [, { file, settings, parameters }] of wanted) {
    modules.push({ path: await placeOf(settings.get("module") ?? "", world), file, parameters });
  }
  return { modules, findings };
}

/** The files of one name. */
interface Merged {
  /** The one that names the module. */
  readonly file: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ModuleParameters | undefined;
}

/** `name: value` lines; # begins a comment line. The last of equal names counts. */
function p11KitSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0 || line.trimStart().startsWith("#")) continue;
    settings.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return settings;
}

function parametersIn(settings: ReadonlyMap<string, string>, file: string): ModuleParameters | undefined {
  const [text = ""] = (settings.get(RESERVED) ?? "").split("\0");
  return text === "" ? undefined : { text: new Secret(text), where: `${RESERVED} in ${file}` };
}

function isOffered(settings: ReadonlyMap<string, string>): boolean {
  const names = (key: string) => settings.get(key)?.split(/[\s,]+/);
  if ((settings.get("module") ?? "") === "" || settings.get("trust-policy") === "yes") return false;
  const enabled = names("enable-in");
  return enabled === undefined ? !names("disable-in")?.includes(PROGRAM) : enabled.includes(PROGRAM);
}

function priority(settings: ReadonlyMap<string, string>): number {
  const value = Number(settings.get("priority") ?? 0);
  return Number.isSafeInteger(value) ? value : 0;
}

/** A name without a folder is one in p11-kit's own. */
async function placeOf(module: string, world: DiscoveryWorld): Promise<string> {
  if (isAbsolute(module)) return module;
  const places = libraryFolders(world).map((folder) => join(folder, "pkcs11", module));
  for (const place of places) if (await world.exists(place)) return place;
  return places[0] ?? module;
}

/** Where the system's libraries are; the most likely folder first. */
export function libraryFolders({ architecture }: DiscoveryWorld): readonly string[] {
  const own = architecture === undefined ? [] : [join("/usr/lib", architecture)];
  return [...own, "/usr/lib64", "/usr/lib", "/usr/local/lib", "/opt/homebrew/lib"];
}

function foldersOf({ home }: DiscoveryWorld): readonly string[] {
  const ofUser = home === undefined ? [] : [join(home, ".config/pkcs11/modules")];
  return ["/usr/share/p11-kit/modules", "/etc/pkcs11/modules", ...ofUser];
}

function unread(file: string, reason: string): DiscoveryFinding {
  return {
    severity: "warning",
    message: `p11-kit's file cannot be read: ${reason}`,
    hint: `Make it readable, or remove it.`,
    location: { file },
  };
}

/** p11-kit's setting for pReserved of CK_C_INITIALIZE_ARGS. */
const RESERVED = "x-init-reserved";
const PROGRAM = "ddscred";
const MAX_FILES = 200;
