import { type Finding, finding, type HandshakePrediction } from "@ddscred/dds-security";
import type { Conversation } from "./conversations.ts";

/**
 * The warning that the two have nothing to say to each other, in neither direction and by no reading. Without one, a
 * topic flows, or may flow that no document names.
 *
 * @param topics those asked for
 */
export function nothingFlows(
  conversations: readonly Conversation[],
  topics: readonly string[],
): readonly Finding[] {
  const mayFlow = ({ outlook }: Conversation) =>
    outlook?.topics.some(({ flows }) => flows) === true || outlook?.silence?.overlap === true;
  if (conversations.some(mayFlow)) return [];
  const asked = topics.length === 0 ? "no topic flows" : "none of the topics that are asked for flows";
  const message = `${asked}, in neither direction, on the default partition`;
  return [finding("NOTHING_FLOWS", "warning", message)];
}

/** A prediction, and on which side the implementation would not even start with the configuration. */
export interface JudgedPair extends HandshakePrediction {
  readonly notStarting?: readonly { readonly source: string; readonly implementation: string }[];
}

/**
 * Marks the pairs of which an implementation does not start, in any of the domains.
 *
 * @param sources of the initiator and the replier
 */
export function judgePairs(
  pairs: readonly HandshakePrediction[],
  sources: { readonly initiator: string; readonly replier: string },
  conversations: readonly Conversation[],
): readonly JudgedPair[] {
  const domains = new Set(conversations.map(({ domain }) => domain)).size;
  const starts = (source: string, implementation: string) => {
    const refusals = conversations.filter(
      ({ refused }) => refused?.source === source && refused.dialect === implementation,
    );
    return domains === 0 || new Set(refusals.map(({ domain }) => domain)).size < domains;
  };
  return pairs.map((pair) => {
    const notStarting = (["initiator", "replier"] as const)
      .map((role) => ({ source: sources[role], implementation: pair[role] }))
      .filter(({ source, implementation }) => !starts(source, implementation));
    return notStarting.length === 0 ? pair : { ...pair, notStarting };
  });
}
