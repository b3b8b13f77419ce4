import { CredentialError, type VerifiedDocument } from "@ddscred/core";
import type { DocumentName } from "../documents/kind.ts";
import { readCycloneGovernance, readCyclonePermissions } from "./cyclonedds-documents.ts";
import { readFastGovernance, readFastPermissions } from "./fastdds-documents.ts";

/** That an implementation does not read the text of a document, and why. */
export interface DocumentRefusal {
  readonly peer: "cyclonedds" | "fastdds";
  /** `location` is a place in the signed file, which it does not name. */
  readonly error: CredentialError;
}

/**
 * Which implementations do not read the text of a signed document. What they make of a text that they read is not
 * said here: the dialects of {@link openAccess} tell.
 */
export function documentRefusals(document: VerifiedDocument, kind: DocumentName): readonly DocumentRefusal[] {
  // Participants of a fleet have documents in common, and each implementation reads the whole text.
  const known = refusals.get(document);
  if (known?.kind === kind) return known.of;
  const found = { kind, of: readAll(document, kind) };
  refusals.set(document, found);
  return found.of;
}

const refusals = new WeakMap<VerifiedDocument, { kind: DocumentName; of: readonly DocumentRefusal[] }>();

function readAll(document: VerifiedDocument, kind: DocumentName): readonly DocumentRefusal[] {
  return READERS.flatMap(({ peer, ...read }) => {
    try {
      read[kind](document, {});
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
