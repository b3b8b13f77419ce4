import { realpathSync } from "node:fs";
import { basename } from "node:path";
import {
  type Discovery,
  examineBinding,
  examineModule,
  type ModuleCandidate,
  type ModuleExamination,
  type SlotExamination,
  type TokenExamination,
  type TraceListener,
} from "@ddscred/backend-pkcs11";
import { CredentialError, matchesModule, matchesToken, type Pkcs11Uri } from "@ddscred/core";
import { type DoctorFinding, failed, finding, good, type ModuleRow, shellWord } from "./report.ts";

/** A candidate, and what loading it brought. */
export interface ExaminedModule {
  readonly candidate: ModuleCandidate;
  readonly used: boolean;
  readonly result: ModuleExamination | CredentialError;
}

/** pkcs11js, without which no module can be loaded. */
export async function judgeBinding(): Promise<DoctorFinding> {
  try {
    await examineBinding();
    return good("binding", "pkcs11js is installed and loads");
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return failed("binding", error);
  }
}

/**
 * Loads all modules that are there, each file once, each in a process of its own.
 *
 * @param uri what is looked for; it decides among p11-kit's modules which one is used
 */
export async function examineModules(
  { candidates }: Discovery,
  uri: Pkcs11Uri,
  trace?: TraceListener,
): Promise<readonly ExaminedModule[]> {
  const existing = candidates.filter(({ exists }) => exists);
  const files = existing.map(({ path }) => realPath(path));
  const distinct = existing.filter((_, index) => files.indexOf(files[index] ?? "") === index);
  const examined = await Promise.all(
    distinct
      .slice(0, MOST)
      .map(async (candidate) => ({ candidate, used: false, result: await examine(candidate, trace) })),
  );
  const isNamed = ["option", "uri", "environment"].includes(candidates[0]?.origin.kind ?? "");
  const used = isNamed && !candidates[0]?.exists ? undefined : chosen(examined, uri);
  return examined.map((one) => ({ ...one, used: one === used }));
}

/** The one that the backend would choose. */
function chosen(examined: readonly ExaminedModule[], uri: Pkcs11Uri): ExaminedModule | undefined {
  const fitting = examined.filter(({ candidate: { path, origin } }) => {
    return origin.kind === "option" || matchesModule(uri, path) || matchesModule(uri, realPath(path));
  });
  if (fitting[0]?.candidate.origin.kind !== "p11-kit") return fitting[0];
  const holds = (fits: (token: TokenExamination) => boolean) =>
    fitting.find(({ result }) => tokensIn(result).some((token) => token.isInitialised && fits(token)));
  return holds(({ info }) => matchesToken(uri, info)) ?? holds(() => true) ?? fitting[0];
}

async function examine(
  { path, parameters }: ModuleCandidate,
  trace?: TraceListener,
): Promise<ModuleExamination | CredentialError> {
  try {
    return await examineModule(path, { libraryParameters: parameters?.text.reveal(), trace });
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
}

/** One finding for each module, and for each name that leads nowhere. */
export function judgeModules(
  { candidates, searched }: Discovery,
  examined: readonly ExaminedModule[],
): readonly DoctorFinding[] {
  const absent = candidates.filter(({ exists }) => !exists).map(judgeAbsent);
  if (examined.length > 0) return [...examined.flatMap(judgeExamined), ...absent];
  const hint =
    "Install the module of your token (for tests: `apt-get install softhsm2`) and name it: --module PATH, PKCS11_PROVIDER_MODULE=PATH, or in openssl.cnf.";
  return [...absent, finding("error", "module", `no PKCS#11 module was found: ${searched.join("; ")}`, hint)];
}

function judgeAbsent({ path, origin }: ModuleCandidate): DoctorFinding {
  // p11-kit's files are the packager's, and stay when a package is only half removed.
  const severity = origin.kind === "p11-kit" ? "warning" : "error";
  const message = `${path} does not exist; ${origin.where} names it`;
  return finding(severity, "module", message, "Install the package of the module, or correct the path.");
}

function judgeExamined({ candidate, used, result }: ExaminedModule): DoctorFinding[] {
  const { origin, parameters } = candidate;
  const started = parameters === undefined ? "" : `; its parameters are those of ${parameters.where}`;
  const why = `${used ? "used" : "not used"}; found by ${origin.where}${started}`;
  if (result instanceof CredentialError) {
    const { code, message, hint } = result;
    // It names the module already, or else the function that failed.
    const told = message.includes(candidate.path) ? message : `${candidate.path}: ${message}`;
    return [finding(used ? "error" : "warning", "module", `${told} (${why})`, hint, { code })];
  }
  const { manufacturer, description, version, cryptokiVersion } = result;
  const name = [manufacturer, description, dotted(version)].filter((part) => part !== "").join(" ");
  const text = `${candidate.path}: ${name}, PKCS#11 ${dotted(cryptokiVersion)}; nobody else may write to it (${why})`;
  const findings = [good("module", text)];
  if (used && basename(candidate.path).startsWith("pkcs11-spy")) {
    const message = "pkcs11-spy is no token: it passes calls on and writes the PIN to its log in clear";
    findings.push(finding("warning", "module", message, "Name the module behind it (PKCS11SPY) instead."));
  }
  return findings;
}

/** The options of a command that uses the module as it is used here. */
export function moduleOptions({ path, parameters }: ModuleCandidate): string {
  const isOption = parameters?.where.startsWith("--") ?? false;
  return `--module ${shellWord(path)}${isOption ? " --library-parameters TEXT" : ""}`;
}

export function moduleRows({ candidates }: Discovery, examined: readonly ExaminedModule[]): ModuleRow[] {
  return candidates.map(({ path, origin, exists, parameters }) => {
    const {
      used = false,
      candidate,
      result,
    } = (exists ? examined.find((one) => realPath(one.candidate.path) === realPath(path)) : undefined) ?? {};
    const stated = parameters === undefined ? {} : { parameters: parameters.where };
    const row = { path, origin, exists, used: used && candidate?.origin === origin, ...stated };
    if (result === undefined || result instanceof CredentialError) return { ...row, loads: false };
    const { manufacturer, description, version, cryptokiVersion } = result;
    const versions = { version: dotted(version), cryptoki: dotted(cryptokiVersion) };
    return { ...row, loads: true, manufacturer, description, ...versions };
  });
}

export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const dotted = ({ major, minor }: { major: number; minor: number }) => `${major}.${minor}`;

/** Modules that are loaded at once; each is a process. */
const MOST = 12;

/** The tokens behind a module; none where it could not be examined. */
export function tokensIn(result: ExaminedModule["result"]): readonly TokenExamination[] {
  return slotsIn(result).flatMap(({ token }) => (token === undefined ? [] : [token]));
}

export function slotsIn(result: ExaminedModule["result"]): readonly SlotExamination[] {
  return result instanceof CredentialError ? [] : result.slots;
}
