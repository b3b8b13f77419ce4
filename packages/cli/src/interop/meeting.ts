import {
  beginHandshakeReply,
  beginHandshakeRequest,
  type HandshakePrediction,
  implementations,
  type LocalIdentity,
  predictHandshake,
  processHandshake,
  validateRemoteIdentity,
} from "@ddscred/dds-security";

/** The two in their roles. */
interface Met {
  readonly initiator: Participant;
  readonly replier: Participant;
}

interface Participant {
  readonly name: string;
  readonly local: LocalIdentity;
}

/** A real handshake between the two, in this process. */
export async function meet(a: Participant, b: Participant, at: Date): Promise<Met> {
  const begins = validateRemoteIdentity(a.local, { guid: b.local.guid }).role === "initiator";
  const [initiator, replier] = begins ? [a, b] : [b, a];
  const [one, other] = [initiator.local, replier.local];
  const begun = await beginHandshakeRequest(one, validateRemoteIdentity(one, { guid: other.guid }), { at });
  const toOne = validateRemoteIdentity(other, { guid: one.guid });
  if (begun.send === undefined) throw new TypeError("a request is sent");
  const replied = await beginHandshakeReply(other, toOne, begun.send, { at });
  if (replied.send === undefined) throw new TypeError("a reply is sent");
  const answered = await processHandshake(begun.state, replied.send, { at });
  if (answered.send === undefined) throw new TypeError("a final message is sent");
  const done = await processHandshake(replied.state, answered.send, { at });
  answered.state.wipe();
  done.state.wipe();
  return { initiator, replier };
}

/** How each pair of implementations would fare in their roles. */
export function predictions({ initiator, replier }: Met): readonly HandshakePrediction[] {
  const seen = ({ local: { certificate, path } }: Participant) => ({ certificate, identityCa: path.anchor });
  return implementations.flatMap((left) =>
    implementations.map((right) => predictHandshake([left, seen(initiator)], [right, seen(replier)])),
  );
}
