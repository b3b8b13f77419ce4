import type { CredentialError } from "@ddscred/core";

/** What happens between a backend and its tokens. No event holds a PIN; tokens are named by their URI. */
export type Pkcs11Event =
  /** A PIN was sent, and taken. */
  | { readonly type: "login"; readonly token: string }
  /** A token that was in use is gone. */
  | { readonly type: "token-removed"; readonly token: string }
  /** A token that was removed, or waited for, is there. */
  | { readonly type: "token-present"; readonly token: string }
  /** A call succeeded that had failed with the error; sessions, a login or the module itself were made anew. */
  | { readonly type: "recovered"; readonly module: string; readonly error: CredentialError };

export type EventListener = (event: Pkcs11Event) => void;
