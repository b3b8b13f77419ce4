import { CredentialError, type HealthFinding, parsePkcs11Uri } from "@ddscred/core";
import type { Modules } from "../modules.ts";
import { examination } from "./examine.ts";
import { judgeFailure, judgeModule } from "./health.ts";

/** What stands between a program and its tokens, behind the module of URIs that name none. */
export async function diagnosis(modules: Modules): Promise<readonly HealthFinding[]> {
  try {
    const module = await modules.forUri(parsePkcs11Uri("pkcs11:"));
    return judgeModule(module.path, examination(await module.examine()));
  } catch (error) {
    if (error instanceof CredentialError) return [judgeFailure(error)];
    throw error;
  }
}
