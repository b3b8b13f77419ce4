import type { ModuleOrigin, PinState, TokenExamination } from "@ddscred/backend-pkcs11";
import type { CredentialError } from "@ddscred/core";

export { shellWord } from "@ddscred/core";

/** What doctor found out. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly findings: readonly DoctorFinding[];
  readonly modules: readonly ModuleRow[];
  readonly tokens: readonly TokenRow[];
}

export interface DoctorFinding {
  readonly severity: "ok" | "info" | "warning" | "error";
  readonly topic: Topic;
  readonly message: string;
  /** What to do, with a command to paste where there is one; empty where there is nothing to do. */
  readonly hint: string;
  readonly location?: { readonly file: string; readonly line?: number };
  /** The code of an error that stopped the finding out. */
  readonly code?: string;
}

export type Topic = "binding" | "module" | "token" | "uri" | "openssl" | "files" | "environment";

/** One module that was found. */
export interface ModuleRow {
  readonly path: string;
  readonly origin: ModuleOrigin;
  readonly exists: boolean;
  /** Who states what it is started with, where it wants a text. The text may hold secrets, and is not here. */
  readonly parameters?: string;
  /** Whether it is the one that ddscred uses. */
  readonly used: boolean;
  readonly loads: boolean;
  readonly manufacturer?: string;
  readonly description?: string;
  readonly version?: string;
  readonly cryptoki?: string;
}

/** One token that was found. */
export interface TokenRow {
  readonly module: string;
  readonly slot: string;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly uri: string;
  readonly initialised: boolean;
  readonly loginRequired: boolean;
  readonly pin: PinState;
  readonly signs?: TokenExamination["signs"];
}

type Details = Pick<DoctorFinding, "location" | "code">;

export const good = (topic: Topic, message: string): DoctorFinding => ({
  severity: "ok",
  topic,
  message,
  hint: "",
});

export function finding(
  severity: "info" | "warning" | "error",
  topic: Topic,
  message: string,
  hint: string,
  details: Details = {},
): DoctorFinding {
  return { severity, topic, message, hint, ...details };
}

/** An error as a finding. */
export function failed(
  topic: Topic,
  error: CredentialError,
  severity: "warning" | "error" = "error",
): DoctorFinding {
  return finding(severity, topic, error.message, error.hint, { code: error.code });
}
