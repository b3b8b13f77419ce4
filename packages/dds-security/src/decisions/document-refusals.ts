import { CredentialError, type VerifiedDocument } from "@ddscred/core";
import type { DocumentName } from "../documents/kind.ts";
import { readCycloneGovernance, readCyclonePermissions } from "./cyclonedds-documents.ts";
import { readFastGovernance, readFastPermissions } from "./fastdds-documents.ts";

/** That an implementation does not read the text of a document, and why. */
export interface DocumentRefusal {
  readonly peer: "cyclonedds" | "fastdds";
  /** `location` is a place in the signed file. */
  readonly error: CredentialError;
}

/**
 * Which implementations do not read the text of a signed document. What they make of a text that they read is not
 * said here: the dialects of {@link openAccess} tell.
 */
export function documentRefusals(
  document: VerifiedDocument,
  kind: DocumentName,
  options: { file?: string } = {},
): readonly DocumentRefusal[] {
  return READERS.flatMap(({ peer, ...read }) => {
    try {
      read[kind](document, options);
      return [];
    } catch (error) {
      if (error instanceof CredentialError) return [{ peer, error }];
      throw error;
    }
  });
}

const READERS = [
  { peer: "cyclonedds", governance: readCycloneGovernance, permissions: readCyclonePermissions },
  { peer: "fastdds", governance: readFastGovernance, permissions: readFastPermissions },
] as const;
