import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type {
  Discovery,
  DiscoveryFinding,
  EngineSection,
  OpensslDiscovery,
  ProviderSection,
} from "@ddscred/backend-pkcs11";
import { redactUri } from "@ddscred/core";
import { accessTo, judgeWriters } from "./files.ts";
import { realPath } from "./modules.ts";
import { type OpensslProgram, openssl } from "./openssl-program.ts";
import { type DoctorFinding, finding, good } from "./report.ts";

/**
 * Whether a Cyclone DDS on this machine would reach the token: OpenSSL 1.x by an ENGINE, 3.x by a provider,
 * each configured in openssl.cnf. What ddscred itself needs is none of this, so what is not configured at all
 * is a warning; what is configured and broken is an error.
 *
 * @param used the module that ddscred uses
 */
export async function judgeOpenssl(
  program: OpensslProgram | undefined,
  { openssl: found, findings }: Discovery,
  used: string | undefined,
): Promise<readonly DoctorFinding[]> {
  const odd = findings.map(({ severity, message, hint, location }: DiscoveryFinding) =>
    finding(severity, "openssl", message, hint, location === undefined ? {} : { location }),
  );
  if (found === undefined) {
    const message = "there is no openssl.cnf, so OpenSSL, and Cyclone DDS with it, reaches no token";
    return [judgeProgram(program), ...odd, finding("warning", "openssl", message, providerSnippet)];
  }
  const files = found.files.flatMap((file) => judgeWriters("openssl", file));
  const head = [
    judgeProgram(program),
    ...odd,
    ...files,
    ...found.files.flatMap((file) => judgePins(file, found)),
  ];
  if (!found.isReadable) return head;
  const major = program?.major ?? (found.providers.length > 0 || found.engines.length === 0 ? 3 : 1);
  return major >= 3
    ? [...head, ...(await judgeProviders(found, program, used))]
    : [...head, ...(await judgeEngines(found, program, used))];
}

function judgeProgram(program: OpensslProgram | undefined): DoctorFinding {
  if (program !== undefined) return good("openssl", `OpenSSL ${program.version} is on the PATH`);
  const message = "no openssl is on the PATH, so the version that Cyclone DDS uses is not known";
  return finding("info", "openssl", message, "`apt-get install openssl`");
}

async function judgeProviders(
  { files: [file = ""], providers, engines }: OpensslDiscovery,
  program: OpensslProgram | undefined,
  used: string | undefined,
): Promise<DoctorFinding[]> {
  const ours = providers.filter(({ isForPkcs11 }) => isForPkcs11);
  if (ours.length === 0) {
    const message =
      engines.length === 0
        ? `${file} configures no PKCS#11 provider: Cyclone DDS would say "Failed to load pkcs11 provider"`
        : `${file} configures an ENGINE, and Cyclone DDS uses a provider with OpenSSL 3.x`;
    return [finding("warning", "openssl", message, providerSnippet, { location: { file } })];
  }
  const isDefaultThere = providers.some(({ name, activate }) => name === "default" && activate !== undefined);
  const isOursActive = ours.some(({ activate }) => activate !== undefined);
  const findings = ours.flatMap((provider) => judgeProvider(provider, program));
  const broken = findings.length > 0;
  if (isOursActive && !isDefaultThere) {
    const message =
      "the provider default is not activated: where another one is, OpenSSL has no algorithms without it";
    const hint = "Add `default = default_section` beside it, and `[default_section]` with `activate = 1`.";
    findings.push(finding("error", "openssl", message, hint, { location: placeOf(ours[0]?.at) }));
  }
  if (!broken && isOursActive && program !== undefined) findings.push(...(await listed(ours)));
  const [first] = ours;
  return first === undefined ? findings : [...findings, ...judgeProviderModule(first, used)];
}

function judgeProvider(provider: ProviderSection, program: OpensslProgram | undefined): DoctorFinding[] {
  const { name, at, module, activate } = provider;
  const location = placeOf(module ?? at);
  const folder = process.env["OPENSSL_MODULES"] ?? program?.providerFolder;
  const library = module?.value ?? `${name}.so`;
  const path = isAbsolute(library) || folder === undefined ? library : join(folder, library);
  const findings: DoctorFinding[] = [];
  if (isAbsolute(path) && !existsSync(path)) {
    const message = `the provider ${name} is configured, and its library ${redactUri(path)} does not exist`;
    const hint = "Install the provider (`apt-get install pkcs11-provider`), or correct `module =`.";
    findings.push(finding("error", "openssl", message, hint, { location }));
  }
  if (activate === undefined) {
    const message = `the provider ${name} is not activated: Cyclone DDS loads it for the identity by itself, but not for the permissions CA`;
    const hint = `Add \`activate = 1\` to the section [${at.value}].`;
    findings.push(finding("warning", "openssl", message, hint, { location: placeOf(at) }));
  } else if (!/^(1|yes|true|on)$/i.test(activate.value)) {
    const message =
      "activate has a value other than 1: older releases of OpenSSL 3 activate the provider all the same";
    const hint = "Write `activate = 1`, or remove the line.";
    findings.push(finding("warning", "openssl", message, hint, { location: placeOf(activate) }));
  }
  return findings;
}

/** The module behind the provider: the environment wins over the configuration. */
function judgeProviderModule({ modulePath, at }: ProviderSection, used: string | undefined): DoctorFinding[] {
  const variable = process.env["PKCS11_PROVIDER_MODULE"] ?? "";
  const path = variable === "" ? modulePath?.value : variable;
  const where = variable === "" ? "pkcs11-module-path" : "PKCS11_PROVIDER_MODULE";
  return judgeModule({ path, where, place: placeOf(modulePath ?? at), used });
}

async function judgeEngines(
  { files: [file = ""], engines }: OpensslDiscovery,
  program: OpensslProgram | undefined,
  used: string | undefined,
): Promise<DoctorFinding[]> {
  const [engine] = engines;
  if (engine === undefined) {
    const message = `${file} configures no PKCS#11 ENGINE: Cyclone DDS would say "Failed to find pkcs11 engine"`;
    return [finding("warning", "openssl", message, engineSnippet, { location: { file } })];
  }
  const findings = judgeEngine(engine, program);
  if (findings.length === 0 && program !== undefined) findings.push(...(await available(engine)));
  const { modulePath, at } = engine;
  const variable = process.env["PKCS11_MODULE_PATH"];
  const path = modulePath?.value ?? (variable === "" ? undefined : variable);
  const where = modulePath === undefined ? "PKCS11_MODULE_PATH" : "MODULE_PATH";
  return [...findings, ...judgeModule({ path, where, place: placeOf(modulePath ?? at), used })];
}

function judgeEngine(
  { id, at, dynamicPath }: EngineSection,
  program: OpensslProgram | undefined,
): DoctorFinding[] {
  const folder = process.env["OPENSSL_ENGINES"] ?? program?.engineFolder;
  const places =
    dynamicPath === undefined
      ? [`${id}.so`, `lib${id}.so`].flatMap((name) => (folder === undefined ? [] : [join(folder, name)]))
      : [dynamicPath.value];
  if (places.length === 0 || places.some((place) => existsSync(place))) return [];
  const message = `the ENGINE ${id} is configured, and its library ${redactUri(places[0] ?? "")} does not exist`;
  const hint =
    "`apt-get install libengine-pkcs11-openssl` (Fedora: openssl-pkcs11), or correct `dynamic_path =`.";
  return [finding("error", "openssl", message, hint, { location: placeOf(dynamicPath ?? at) })];
}

interface ModuleOfOpenssl {
  readonly path: string | undefined;
  readonly where: string;
  readonly place: { readonly file: string; readonly line: number };
  readonly used: string | undefined;
}

function judgeModule({ path, where, place, used }: ModuleOfOpenssl): DoctorFinding[] {
  if (path === undefined) {
    const message =
      "openssl.cnf names no PKCS#11 module, so Cyclone DDS gets p11-kit's proxy for all modules";
    const hint = "Name the module: `pkcs11-module-path = PATH` (OpenSSL 3.x), `MODULE_PATH = PATH` (1.x).";
    return [finding("info", "openssl", message, hint, { location: place })];
  }
  const details = { location: place };
  if (isAbsolute(path) && !existsSync(path)) {
    const message = `${where} names ${redactUri(path)}, which does not exist`;
    return [finding("error", "openssl", message, "Install the module, or correct the path.", details)];
  }
  const findings = [good("openssl", `Cyclone DDS would use the module ${path} (${where})`)];
  if (used !== undefined && realPath(path) !== realPath(used)) {
    const message = `ddscred uses ${used}, and Cyclone DDS another module`;
    findings.push(
      finding("warning", "openssl", message, `Give ddscred the same one: --module ${path}`, details),
    );
  }
  return findings;
}

/** `openssl list -providers`: OpenSSL's own word. */
async function listed(ours: readonly ProviderSection[]): Promise<DoctorFinding[]> {
  const said = await openssl(["list", "-providers"]);
  const names = ours.map(({ name }) => name);
  const isThere = (name: string) => new RegExp(`^ +${name.replace(/\W/g, "\\$&")}$`, "m").test(said ?? "");
  if (names.every(isThere)) return [good("openssl", `\`openssl list -providers\` lists ${names.join(", ")}`)];
  const message = "`openssl list -providers` does not list the PKCS#11 provider, or failed";
  const hint =
    "Run `openssl list -providers -verbose`: it says why, such as a library that the provider needs.";
  return [finding("error", "openssl", message, hint)];
}

/** `openssl engine pkcs11 -t`: OpenSSL's own word. */
async function available({ id }: EngineSection): Promise<DoctorFinding[]> {
  const said = await openssl(["engine", id, "-t"]);
  if (/\[ available \]/.test(said ?? ""))
    return [good("openssl", `\`openssl engine ${id} -t\` says available`)];
  const message = `\`openssl engine ${id} -t\` does not say available`;
  return [finding("error", "openssl", message, `Run \`openssl engine ${id} -t\`: it says why.`)];
}

/** A PIN in openssl.cnf, which is as a rule for everybody to read. */
function judgePins(file: string, { engines, providers }: OpensslDiscovery): DoctorFinding[] {
  return [...engines, ...providers].flatMap(({ pinAt }) => {
    if (pinAt === undefined || pinAt.file !== file) return [];
    const access = accessTo(file);
    const isOpen = access !== undefined && (access.othersRead || access.groupReads);
    const message = isOpen
      ? `a PIN stands in ${file}, which others may read (mode ${access.mode})`
      : `a PIN stands in ${file}`;
    const hint = isOpen
      ? `Take the PIN out, or \`chmod 0600 ${file}\`.`
      : "Prefer pin-source=file:/path in the URI.";
    return [finding(isOpen ? "error" : "info", "openssl", message, hint, { location: pinAt })];
  });
}

const placeOf = (entry: { file: string; line: number } | undefined) => ({
  file: entry?.file ?? "",
  line: entry?.line ?? 1,
});

const providerSnippet =
  "Install a provider (`apt-get install pkcs11-provider`) and configure it: `openssl_conf = openssl_init` before the first section, `providers = provider_section` in [openssl_init], `default` and `pkcs11` in [provider_section], each with `activate = 1`, and `pkcs11-module-path = MODULE`. What Cyclone DDS does not use needs none of this.";
const engineSnippet =
  "`apt-get install libengine-pkcs11-openssl`, and configure it: `openssl_conf = openssl_init` before the first section, `engines = engine_section` in [openssl_init], `pkcs11 = pkcs11_section` in [engine_section], and `engine_id = pkcs11`, `MODULE_PATH = MODULE`, `init = 0` in [pkcs11_section].";
