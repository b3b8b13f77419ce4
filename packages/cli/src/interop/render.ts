import type { DialectName, Outlook, TopicOutlook } from "@ddscred/dds-security";
import type { Conversation } from "./conversations.ts";

/** Conversations as text, each direction of a domain under its heading. */
export function renderConversations(conversations: readonly Conversation[]): readonly string[] {
  const lines: string[] = [];
  let heading = "";
  for (const { domain, from, to, dialects, outlook, refused } of conversations) {
    const next = `domain ${domain}: ${from} -> ${to}`;
    if (next !== heading) lines.push("", next);
    heading = next;
    lines.push(`  ${by(dialects)}`);
    if (refused) lines.push(`    nothing: ${refused.source}: ${refused.code}: ${refused.message}`);
    if (outlook) lines.push(...renderOutlook(outlook).map((line) => `    ${line}`));
  }
  return lines;
}

/** `spec, cyclonedds -> spec` for all pairs of these, where all of them are meant. */
function by(dialects: Conversation["dialects"]): string {
  const readers = new Map<DialectName, DialectName[]>();
  for (const [writer, reader] of dialects) readers.set(writer, [...(readers.get(writer) ?? []), reader]);
  const writers = new Map<string, DialectName[]>();
  for (const [writer, names] of readers) {
    const key = names.join(", ");
    writers.set(key, [...(writers.get(key) ?? []), writer]);
  }
  return [...writers].map(([reader, names]) => `${names.join(", ")} -> ${reader}`).join("; ");
}

function renderOutlook({ joins, sameProtection, topics }: Outlook): readonly string[] {
  if (!sameProtection)
    return ["nothing: their governances protect participants differently, or not this domain"];
  if (!joins) return ["nothing: one may not join the domain"];
  const lines = topics.slice(0, MAX_TOPICS).map((topic) => `${topic.topic.padEnd(24)} ${verdict(topic)}`);
  const rest = topics.length - MAX_TOPICS;
  return rest > 0 ? [...lines, `and ${rest} more: see --format json`] : lines;
}

function verdict({ flows, publish, subscribe, sameProtection }: TopicOutlook): string {
  if (flows) return "flows";
  if (!publish.allowed) return `may not be written: ${publish.reason}`;
  if (!subscribe.allowed) return `may not be read: ${subscribe.reason}`;
  return sameProtection === undefined
    ? "does not match: a governance has no rule for it"
    : "does not match: the governances protect it differently";
}

const MAX_TOPICS = 40;
