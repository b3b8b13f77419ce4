import type { Verifier } from "../../ports/crypto-provider.ts";
import type { Certificate } from "../certificate.ts";
import { isSelfIssued } from "./rules.ts";
import { keyIdentifiers, type SignatureChecks } from "./signature.ts";

/**
 * A self-issued anchor must verify with its own key, unless its key identifiers say that another key of the
 * same CA signed it (RFC 5280 3.2: a certificate of key rollover).
 */
export async function checkAnchorSignature(
  anchor: Certificate,
  crypto: Verifier,
  signatures: SignatureChecks,
): Promise<void> {
  if (!isSelfIssued(anchor) || keyIdentifiers(anchor, anchor) === "differ") return;
  let sound = soundAnchors.get(crypto);
  if (sound === undefined) soundAnchors.set(crypto, (sound = new WeakSet()));
  if (sound.has(anchor)) return;
  const rejection = await signatures.check(anchor, anchor);
  if (rejection !== undefined) throw rejection.error;
  sound.add(anchor);
}

/**
 * Anchors whose own signature a verifier has found good: with many leaves below one CA, that is paid once. Certificates do not
 * change, and only the good outcome is kept, for as long as verifier and certificate live. Whether the key is allowed is
 * each profile's to say, and is asked anew.
 */
const soundAnchors = new WeakMap<Verifier, WeakSet<Certificate>>();
