import {
  type DialectName,
  documentReaders,
  type GivenTopic,
  type Outlook,
  type TopicOutlook,
} from "@ddscred/dds-security";
import { placeOf, remedyOf } from "../terminal/errors.ts";
import { brief, LABEL, printable, type Style, wrap } from "../terminal/style.ts";
import type { Conversation, Refused } from "./conversations.ts";
import type { JudgedPair } from "./verdict.ts";

/** How the handshake goes for each pair of implementations; which of them would not even start is said with it. */
export function renderPairs(pairs: readonly JudgedPair[], style: Style): readonly string[] {
  return pairs.map(({ initiator, replier, completes, keyAgreement, reason, notStarting = [] }) => {
    const names = `  ${`${initiator} -> ${replier}`.padEnd(26)}`;
    const said = completes ? `completes, ${keyAgreement}` : `does not complete: ${reason}`;
    const [but] = notStarting.map(({ source, implementation }) => {
      return `but ${isReader(implementation) ? documentReaders[implementation] : implementation} does not start with ${source}`;
    });
    const text = but === undefined ? said : `${said}, ${but} (see below)`;
    return names + wrap(text, style.width, " ".repeat(names.length)).trimStart();
  });
}

const isReader = (name: string): name is keyof typeof documentReaders => Object.hasOwn(documentReaders, name);

/** Conversations as text, each direction of a domain under its heading. */
export function renderConversations(conversations: readonly Conversation[], style: Style): readonly string[] {
  const lines: string[] = [];
  let heading = "";
  for (const conversation of conversations) {
    const { domain, from, to, dialects, outlook, refused } = conversation;
    const next = printable(`domain ${domain}: ${from} -> ${to}`);
    if (next !== heading) lines.push("", style.bold(next));
    heading = next;
    lines.push(wrap(by(dialects), style.width, "  "));
    if (refused) lines.push(...renderRefused(refused, style));
    if (outlook) lines.push(...renderOutlook(outlook, style), ...renderSilence(conversation, style));
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

/** Why no topic flows, in words: what one may write, what the other may read, and that these do not meet. */
function renderSilence({ from, to, outlook }: Conversation, style: Style): readonly string[] {
  const { silence } = outlook ?? {};
  if (silence === undefined) return [];
  const { mayWrite, mayRead, overlap } = silence;
  const meeting = overlap ? "where these overlap, ask for the topic: --topic NAME" : "none of these overlap";
  const both = mayWrite.length > 0 && mayRead.length > 0 ? `; ${meeting}` : "";
  const text = `nothing: ${from} may write ${list(mayWrite)}; ${to} may read ${list(mayRead)}${both} (on the default partition)`;
  return [wrap(text, style.width, INDENT)];
}

function list(topics: readonly GivenTopic[]): string {
  if (topics.length === 0) return "nothing";
  const shown = topics.slice(0, MAX_GIVEN).map(({ topic, rule }) => {
    const name = brief(topic, LABEL);
    return rule === undefined ? name : `${name} (${placeOf(rule)})`;
  });
  const more = topics.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
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
const MAX_GIVEN = 5;
const INDENT = "    ";
