import { place } from "../check/place.ts";
import { type Finding, finding } from "../finding.ts";
import type { AuditInput } from "./input.ts";

/**
 * A handshake message carries the identity certificate and the whole permissions document (c.id, c.perm). It goes over a
 * best-effort channel: what does not fit into one UDP datagram is sent in pieces, of which none may be lost.
 */
export function judgeSize({ configuration, deployment }: AuditInput): Finding[] {
  const { permissions, identityCertificate } = deployment;
  if (permissions === undefined || identityCertificate === undefined) return [];
  const pem = Math.ceil(identityCertificate.der.length / 3) * 4.1 + 60;
  const bytes = Math.ceil(permissions.signed.content.length + SIGNATURE + pem + OTHER_FIELDS);
  if (bytes <= DATAGRAM) return [];
  const message = `a handshake message would have about ${bytes} bytes, and a UDP datagram holds ${DATAGRAM}`;
  return [finding("HANDSHAKE_LARGE", "warning", message, place(configuration, "dds.sec.access.permissions"))];
}

/** MIME headers and a SignedData with its certificate in base64. */
const SIGNATURE = 2_500;
/** c.pdata, algorithms, hashes, a DH value, a challenge and a signature, in their parameter list. */
const OTHER_FIELDS = 2_000;
const DATAGRAM = 65_507;
