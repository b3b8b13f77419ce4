import type {
  CredentialDescription,
  CredentialDirectory,
  CredentialSource,
  CredentialWriter,
  HealthReport,
  KeyGenerator,
  KeyImporter,
} from "@ddscred/core";
import type { WaitOptions } from "./token/wait.ts";

/** Tokens come and go. */
export interface TokenWatch {
  waitForToken(uri: string, options?: WaitOptions): Promise<CredentialDescription>;
}

/** All that tokens offer. */
export type Pkcs11Source = TokenWatch &
  HealthReport &
  CredentialSource &
  CredentialDirectory &
  KeyGenerator &
  KeyImporter &
  CredentialWriter;
