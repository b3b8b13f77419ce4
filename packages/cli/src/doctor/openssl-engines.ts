import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EngineSection, OpensslDiscovery } from "@ddscred/backend-pkcs11";
import { redactUri } from "@ddscred/core";
import { configurationCommand, judgeModule, placeOf } from "./openssl-module.ts";
import { type OpensslProgram, openssl } from "./openssl-program.ts";
import { type DoctorFinding, finding, good } from "./report.ts";

/** OpenSSL 1.x: whether the ENGINE for PKCS#11 is there, and what is behind it. */
export async function judgeEngines(
  { files: [file = ""], engines }: OpensslDiscovery,
  program: OpensslProgram | undefined,
  used: string | undefined,
): Promise<DoctorFinding[]> {
  const [engine] = engines;
  if (engine === undefined) {
    const message = `${file} configures no PKCS#11 ENGINE: Cyclone DDS would say "Failed to find pkcs11 engine"`;
    return [finding("warning", "openssl", message, engineHint(used), { location: { file } })];
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

/** `openssl engine pkcs11 -t`: OpenSSL's own word. */
async function available({ id }: EngineSection): Promise<DoctorFinding[]> {
  const said = await openssl(["engine", id, "-t"]);
  if (/\[ available \]/.test(said ?? ""))
    return [good("openssl", `\`openssl engine ${id} -t\` says available`)];
  const message = `\`openssl engine ${id} -t\` does not say available`;
  return [finding("error", "openssl", message, `Run \`openssl engine ${id} -t\`: it says why.`)];
}

function engineHint(module = "/path/to/module.so"): string {
  const command = configurationCommand(
    "openssl_conf = init",
    "[init]",
    "engines = engine_list",
    "[engine_list]",
    "pkcs11 = pkcs11_engine",
    "[pkcs11_engine]",
    "engine_id = pkcs11",
    `MODULE_PATH = ${module}`,
    "init = 0",
  );
  return `\`apt-get install libengine-pkcs11-openssl\`, and start Cyclone DDS with a configuration that has it: \`${command}\`.`;
}
