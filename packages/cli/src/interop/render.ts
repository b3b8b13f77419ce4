import { type DialectName, documentReaders, type Outlook, type TopicOutlook } from "@ddscred/dds-security";
import { remedyOf } from "../terminal/errors.ts";
import { brief, LABEL, printable, type Style, wrap } from "../terminal/style.ts";
import type { Conversation, Refused } from "./conversations.ts";

/** Conversations as text, each direction of a domain under its heading. */
export function renderConversations(conversations: readonly Conversation[], style: Style): readonly string[] {
  const lines: string[] = [];
  let heading = "";
  for (const { domain, from, to, dialects, outlook, refused } of conversations) {
    const next = printable(`domain ${domain}: ${from} -> ${to}`);
    if (next !== heading) lines.push("", style.bold(next));
    heading = next;
    lines.push(wrap(by(dialects), style.width, "  "));
    if (refused) lines.push(...renderRefused(refused, style));
    if (outlook) lines.push(...renderOutlook(outlook, style));
  }
  return lines;
}

function renderRefused(refused: Refused, style: Style): readonly string[] {
  const { source, dialect, code, message } = refused;
  return [
    wrap(`nothing: ${notStarting(dialect)} ${source} (${code})`, style.width, INDENT),
    wrap(message, style.width, INDENT),
    ...remedyOf(refused, style, INDENT),
  ];
}

function notStarting(dialect: DialectName): string {
  return dialect === "spec"
    ? "the specification does not allow"
    : `${documentReaders[dialect]} does not start with`;
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

function renderOutlook({ joins, sameProtection, topics }: Outlook, style: Style): readonly string[] {
  const said = (text: string) => [wrap(text, style.width, INDENT)];
  if (!sameProtection)
    return said("nothing: their governances protect participants differently, or not this domain");
  if (!joins) return said("nothing: one may not join the domain");
  const lines = topics.slice(0, MAX_TOPICS).map((topic) => {
    const name = `${INDENT}${brief(topic.topic, LABEL).padEnd(24)} `;
    // Behind a name that is too long for it, the verdict hangs as far as behind the others.
    const hang = " ".repeat(INDENT.length + 25);
    return name + wrap(verdict(topic), style.width, hang).trimStart();
  });
  const rest = topics.length - MAX_TOPICS;
  return rest > 0 ? [...lines, ...said(`and ${rest} more: see --format json`)] : lines;
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
const INDENT = "    ";
