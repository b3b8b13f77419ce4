import { sameBytes } from "../../der/values.ts";
import type { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import type { RevocationList } from "../crl.ts";
import type { RevokedCertificate } from "../crl-entries.ts";
import { ExtensionOid } from "../extension-oids.ts";
import { listError } from "./crl-signer.ts";

/** A complete list, and the delta that brings it up to date. */
export interface Usable {
  readonly list: RevocationList;
  readonly delta?: RevocationList;
  readonly signer: Certificate;
  /** Why the list tells of no certificate that it is still good. */
  readonly stale?: CredentialError;
}

/** What the delta says goes before what the list says (6.3.3 (i) to (k)). */
export function find({ list, delta }: Usable, certificate: Certificate): RevokedCertificate | undefined {
  const entry = delta?.find(certificate) ?? list.find(certificate);
  return entry?.reason === "removeFromCRL" ? undefined : entry;
}

/** Whether a list holds changes to another one (6.3.3 (c), 5.2.4). */
export function changes(delta: RevocationList, list: RevocationList, number: bigint): boolean {
  return (
    delta.baseNumber !== undefined &&
    delta.baseNumber <= number &&
    delta.number !== undefined &&
    delta.number >= number &&
    extensionFault(delta) === undefined &&
    sameValue(
      extension(delta, ExtensionOid.issuingDistributionPoint),
      extension(list, ExtensionOid.issuingDistributionPoint),
    ) &&
    sameValue(delta.keyIdentifier, list.keyIdentifier)
  );
}

const extension = ({ extensions }: RevocationList, wanted: string) =>
  extensions.find(({ oid }) => oid === wanted)?.value;

function sameValue(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}

/** The error of a list with a critical extension that is not understood; undefined where it has none. */
export function extensionFault(list: RevocationList): CredentialError | undefined {
  const { unknownCritical } = list;
  if (unknownCritical === undefined) return undefined;
  return listError(list, "crl-extension", `the critical extension ${unknownCritical} is not understood`);
}
