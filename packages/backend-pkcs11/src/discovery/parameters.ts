import type { Secret } from "@ddscred/core";
import type { DiscoveryFinding } from "./finding.ts";

/** The text that a module is started with (`pReserved` of CK_C_INITIALIZE_ARGS), where it wants one. */
export interface ModuleParameters {
  /** A Secret, for it may hold passwords. */
  readonly text: Secret;
  /** Who states it, made for people: an option, or a setting with its file. */
  readonly where: string;
}

interface Parametrised {
  readonly path: string;
  /** What names the same file. */
  readonly file: string;
  readonly parameters?: ModuleParameters | undefined;
}

/**
 * Parameters belong to the file of a module, whoever names it: of several texts for one file the first counts,
 * for all that name the file, because a process starts a module once.
 */
export function parametersByFile(modules: readonly Parametrised[]): {
  readonly parameters: ReadonlyMap<string, ModuleParameters>;
  readonly findings: readonly DiscoveryFinding[];
} {
  const parameters = new Map<string, ModuleParameters>();
  const findings: DiscoveryFinding[] = [];
  for (const { path, file, parameters: own } of modules) {
    if (own === undefined) continue;
    const first = parameters.get(file);
    if (first === undefined) parameters.set(file, own);
    else if (first.where !== OPTION && first.text.reveal() !== own.text.reveal())
      findings.push(contradiction(path, first, own));
  }
  return { parameters, findings };
}

/** The name of the program's option, which overrides what files state. */
export const OPTION = "--library-parameters";

function contradiction(path: string, first: ModuleParameters, other: ModuleParameters): DiscoveryFinding {
  return {
    severity: "warning",
    message: `${path} is started with the parameters of ${first.where}; those of ${other.where} are others, and are not used`,
    hint: `A process starts a module once. Make the two the same, or choose: ${OPTION} TEXT.`,
  };
}
