import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { OpensslDiscovery, ProviderSection } from "@ddscred/backend-pkcs11";
import { redactUri } from "@ddscred/core";
import { configurationCommand, judgeModule, placeOf } from "./openssl-module.ts";
import { type OpensslProgram, openssl } from "./openssl-program.ts";
import { type DoctorFinding, finding, good } from "./report.ts";

/** OpenSSL 3.x: whether the PKCS#11 provider is there, activated, and what is behind it. */
export async function judgeProviders(
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
    return [finding("warning", "openssl", message, providerHint(used), { location: { file } })];
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
    const hint =
      "Install the provider (from Debian 13 on `apt-get install pkcs11-provider`; before, build it), or correct `module =`.";
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

/** What to write where there is nothing. */
/** How a provider comes to be configured, with a command to paste. */
export function providerHint(module = "/path/to/module.so"): string {
  const command = configurationCommand(
    "openssl_conf = init",
    "[init]",
    "providers = provider_list",
    "[provider_list]",
    "default = default_provider",
    "pkcs11 = pkcs11_provider",
    "[default_provider]",
    "activate = 1",
    "[pkcs11_provider]",
    "activate = 1",
    `pkcs11-module-path = ${module}`,
  );
  return `Install a provider (from Debian 13 on \`apt-get install pkcs11-provider\`; before, build it: github.com/latchset/pkcs11-provider), and start Cyclone DDS with a configuration that has it: \`${command}\`. What Cyclone DDS does not use needs none of this.`;
}
