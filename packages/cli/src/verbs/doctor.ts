import { type DiscoverOptions, discoverModules } from "@ddscred/backend-pkcs11";
import { CredentialError, parsePkcs11Uri } from "@ddscred/core";
import { judgeEnvironment } from "../doctor/environment.ts";
import { examineModules, judgeBinding, judgeModules, moduleRows } from "../doctor/modules.ts";
import { asFinding, judgeOpenssl } from "../doctor/openssl.ts";
import { opensslProgram } from "../doctor/openssl-program.ts";
import { judgeP11KitServer } from "../doctor/p11-kit-server.ts";
import { judgePinSource, notTried } from "../doctor/pin.ts";
import { renderDoctor } from "../doctor/render.ts";
import type { DoctorFinding, DoctorReport } from "../doctor/report.ts";
import { judgeTokens, tokenRows } from "../doctor/tokens.ts";
import { judgeUri, readUri, type TokenAccess } from "../doctor/uri.ts";
import { UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { readArguments, readFormat } from "../options.ts";
import { libraryParametersOf, parametersUsage, tokenOptions, traceOf, traceUsage } from "../pin/options.ts";
import { programPins } from "../pin/pins.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { styleOf } from "../terminal/style.ts";
import { lendTpmStore } from "../tpm-store.ts";

const usage = `Usage: ddscred doctor [OPTIONS] [URI]

Examines what stands between a participant and its token: the native binding,
PKCS#11 modules and who names them, tokens and the state of their PINs, the
configuration of OpenSSL (which Cyclone DDS uses), access rights, environment
variables. Says what to do about each. No PIN is asked for or printed.

  URI                   a pkcs11: URI: is its token there, and its object?
                        Nobody is logged in, unless there is a PIN
  --module PATH         PKCS#11 module; default: the first that is there, of
                        PKCS11_MODULE_PATH, PKCS11_PROVIDER_MODULE, openssl.cnf
                        and p11-kit's module files
${parametersUsage}
  --pin-source SOURCE   a PIN for the URI's token: file:PATH, env:NAME,
                        fd:NUMBER, systemd:NAME, or '|PROGRAM ARGUMENTS'
${traceUsage}
  --format text|json    default text

Exit status: 0 nothing is wrong but for warnings, 1 something is, 2 wrong usage,
3 a device failed.

  ddscred doctor
  ddscred doctor --module /usr/lib/softhsm/libsofthsm2.so 'pkcs11:token=HSM'
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, { ...tokenOptions, format: { type: "string" } });
  const format = readFormat(args, ["text", "json"]);
  const [uri, ...more] = args.positionals;
  if (more.length > 0) throw new UsageError("name one URI");
  if (uri !== undefined && !/^pkcs11:/i.test(uri))
    throw new UsageError("doctor examines pkcs11: URIs; a configuration is examined by ddscred check FILE");
  const named = { option: args.text("module"), parameters: libraryParametersOf(args) };
  const report = await examine(named, uri, {
    pin: programPins(args.text("pin-source"), nobody),
    pinSource: args.text("pin-source"),
    trace: traceOf(args),
  });
  if (format === "json") printJson(report);
  else process.stdout.write(renderDoctor(report, styleOf(process.stdout)));
  const errors = report.findings.filter(({ severity }) => severity === "error");
  return exitOf(errors.map(({ code = "" }) => ({ code })));
}

async function nobody(): Promise<undefined> {
  return undefined;
}

async function examine(
  named: Pick<DiscoverOptions, "option" | "parameters">,
  text: string | undefined,
  access: TokenAccess,
): Promise<DoctorReport> {
  const given = text === undefined ? undefined : { text, uri: readUri(text) };
  const uri = given === undefined || given.uri instanceof CredentialError ? ANY : given.uri;
  const program = await opensslProgram();
  const discovery = await discoverModules({
    ...named,
    uri: uri.query["module-path"],
    opensslFolder: program?.folder,
  });
  const takeBack = lendTpmStore();
  const examined = await examineModules(discovery, uri, access.trace).finally(takeBack);
  const used = examined.find((one) => one.used);
  const binding = await judgeBinding();
  const findings = [
    binding,
    ...(binding.severity === "ok" ? judgeModules(discovery, examined) : []),
    ...discovery.findings.map((odd) => asFinding("module", odd)),
    ...judgeTokens(examined, uri.path.token),
    ...(given === undefined ? await judgeSourceAlone(access) : await judgeUri(given, examined, access)),
    ...(await judgeOpenssl(program, discovery.openssl, used?.candidate.path)),
    ...judgeEnvironment(),
    ...(await judgeP11KitServer()),
  ];
  const ok = findings.every(({ severity }) => severity !== "error");
  return { ok, findings, modules: moduleRows(discovery, examined), tokens: tokenRows(examined) };
}

/** A PIN source that no URI needs. */
async function judgeSourceAlone({ pinSource }: TokenAccess): Promise<readonly DoctorFinding[]> {
  return pinSource === undefined
    ? []
    : [...(await judgePinSource(pinSource)), notTried("there is no URI that names an object")];
}

/** It names everything. */
const ANY = parsePkcs11Uri("pkcs11:");
