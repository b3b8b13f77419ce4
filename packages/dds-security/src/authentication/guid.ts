import { type CryptoProvider, type DistinguishedName, sameBytes } from "@ddscred/core";
import { identityMismatch } from "./fault.ts";

/**
 * The GUID that a participant takes instead of its candidate (DDS-Security 1.1 9.3.3, Table 52): it binds the
 * first 6 octets to the subject of the identity certificate, so that nobody else can claim them.
 *
 * @param candidate 16 octets; the last four, the entity id, stay
 */
export async function adjustedGuid(
  subject: DistinguishedName,
  candidate: Uint8Array,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  if (!(candidate instanceof Uint8Array) || candidate.length !== 16) {
    throw new TypeError("a candidate GUID has 16 octets");
  }
  const guid = new Uint8Array(candidate);
  guid.set(await subjectPrefix(subject, crypto));
  guid.set((await crypto.digest("SHA-256", candidate)).subarray(0, 6), 6);
  return guid;
}

/** The first 6 octets of the GUID of every participant with this subject: a one, then 47 bits of its hash. */
export async function subjectPrefix(subject: DistinguishedName, crypto: CryptoProvider): Promise<Uint8Array> {
  const hash = await crypto.digest("SHA-256", subject.der);
  return Uint8Array.from({ length: 6 }, (_, i) => {
    const carried = i === 0 ? 0x80 : ((hash[i - 1] ?? 0) & 1) << 7;
    return carried | ((hash[i] ?? 0) >> 1);
  });
}

/** `HANDSHAKE_IDENTITY_MISMATCH` where a GUID is not bound to the subject of a certificate. */
export async function checkGuid(
  guid: Uint8Array,
  subject: DistinguishedName,
  crypto: CryptoProvider,
): Promise<void> {
  if (sameBytes(guid.subarray(0, 6), await subjectPrefix(subject, crypto))) return;
  throw identityMismatch("the GUID in the participant data is not bound to the subject of the certificate");
}

/** As memcmp of the octets: who has the lower GUID begins. */
export function compareGuids(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((octet, index) => octet !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
