import { CredentialError, nameFromText } from "@ddscred/core";
import { basicProtectionKinds, protectionKinds } from "../documents/values.ts";
import type { DomainSpan, GovernanceDraft, GrantDraft, RuleDraft, TopicDraft } from "./draft.ts";
import { Reader } from "./reader.ts";

/** What a short description makes. */
export interface Drafts {
  readonly governance: GovernanceDraft;
  readonly grants: readonly GrantDraft[];
}

/**
 * Reads a description of participants, topics and domains: a JSON value such as
 *
 *     { "domains": [0, "10-12"], "protection": "encrypt",
 *       "topics": [{ "topic": "Map", "data": "SIGN" }],
 *       "participants": [{ "subject": "CN=alice,O=Example", "publish": ["Square*"], "subscribe": ["Circle"] }] }
 *
 * Everything else has a default: all that is not said is protected and denied. An unknown name is an error.
 *
 * @param at when the grants begin, where they do not say; they end a year later
 * @throws CredentialError DESCRIPTION_INVALID, which names the place: `participants[0].subject`
 */
export function readDescription(value: unknown, at: Date): Drafts {
  const reader = new Reader(value, "");
  reader.only("domains", "protection", "topics", "participants");
  const domains = reader.at("domains").list().map(domainSpan);
  const all: readonly DomainSpan[] = domains.length > 0 ? domains : [[0, 0]];
  const governance = governanceDraft(reader, all);
  const participants = reader.at("participants").list();
  return { governance, grants: participants.map((each, index) => grantDraft(each, index, all, at)) };
}

function governanceDraft(reader: Reader, domains: readonly DomainSpan[]): GovernanceDraft {
  const protection = reader.at("protection");
  const level = levels[protection.isText() ? protection.oneOf(levelNames) : "encrypt"];
  const fields = protection.isText() ? new Reader({}, "protection") : protection;
  fields.only("allowUnauthenticated", "joinAccessControl", "discovery", "liveliness", "rtps", "topics");
  const base = levels[fields.at("topics").oneOf(levelNames, level.name)];
  const rtps = fields.at("rtps").oneOf(protectionKinds, level.rtps);
  const allowUnauthenticated = fields.at("allowUnauthenticated").flag(false);
  if (allowUnauthenticated && rtps !== "NONE") {
    throw fields.invalid(
      "participants without authentication and protected RTPS messages exclude each other",
    );
  }
  const topics = reader
    .at("topics")
    .list()
    .map((topic) => topicDraft(topic, base.topic));
  const isComplete = topics.some(({ topic }) => topic === "*");
  return {
    domains,
    allowUnauthenticated,
    joinAccessControl: fields.at("joinAccessControl").flag(true),
    discovery: fields.at("discovery").oneOf(protectionKinds, level.discovery),
    liveliness: fields.at("liveliness").oneOf(protectionKinds, level.liveliness),
    rtps,
    topics: isComplete ? topics : [...topics, { topic: "*", ...base.topic }],
  };
}

function topicDraft(reader: Reader, base: Omit<TopicDraft, "topic">): TopicDraft {
  reader.only("topic", "discovery", "liveliness", "read", "write", "metadata", "data");
  return {
    topic: reader.at("topic").name(),
    discovery: reader.at("discovery").flag(base.discovery),
    liveliness: reader.at("liveliness").flag(base.liveliness),
    read: reader.at("read").flag(base.read),
    write: reader.at("write").flag(base.write),
    metadata: reader.at("metadata").oneOf(protectionKinds, base.metadata),
    data: reader.at("data").oneOf(basicProtectionKinds, base.data),
  };
}

function grantDraft(reader: Reader, index: number, domains: readonly DomainSpan[], at: Date): GrantDraft {
  reader.only("name", "subject", "notBefore", "notAfter", "deny", ...RULE);
  const notBefore = reader.at("notBefore").time(startOfDay(at));
  const notAfter = reader.at("notAfter").time(yearAfter(notBefore));
  if (notAfter <= notBefore) throw reader.at("notAfter").invalid("it is not after notBefore");
  const deny = reader
    .at("deny")
    .list()
    .map((rule) => ruleDraft(rule, "deny", domains));
  const allow = ruleDraft(reader, "allow", domains);
  // What is denied stands before what is allowed: the first rule that matches decides.
  const rules = [...deny, ...(isEmpty(allow) ? [] : [allow])];
  if (rules.length === 0) throw reader.invalid("it names no topic to publish or subscribe");
  return {
    name: reader.at("name").name(`grant${index + 1}`),
    subject: subjectOf(reader.at("subject")),
    notBefore,
    notAfter,
    rules,
  };
}

function ruleDraft(reader: Reader, action: RuleDraft["action"], domains: readonly DomainSpan[]): RuleDraft {
  if (action === "deny") reader.only(...RULE);
  const own = reader.at("domains").list().map(domainSpan);
  const draft = {
    action,
    domains: own.length > 0 ? own : domains,
    publish: reader
      .at("publish")
      .list()
      .map((topic) => topic.name()),
    subscribe: reader
      .at("subscribe")
      .list()
      .map((topic) => topic.name()),
    partitions: reader
      .at("partitions")
      .list()
      .map((partition) => partition.name()),
  };
  if (action === "deny" && isEmpty(draft)) throw reader.invalid("it names no topic to deny");
  // A partition in a deny rule is read in several ways: a rule without it denies in all of them.
  if (action === "deny" && draft.partitions.length > 0) {
    throw reader.at("partitions").invalid("not all implementations regard partitions in a deny rule");
  }
  return draft;
}

/** RFC 4514, the form that all implementations read. */
function subjectOf(reader: Reader): string {
  const text = reader.name();
  let form: string;
  try {
    ({ form } = nameFromText(text));
  } catch (error) {
    if (error instanceof CredentialError) throw reader.invalid(error.message);
    throw error;
  }
  if (form !== "rfc4514") throw reader.invalid("it is written with slashes; write CN=alice,O=Example,C=NL");
  return text;
}

/** `3`, or `"3-7"`. */
function domainSpan(reader: Reader): DomainSpan {
  const [, first, last = first] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(reader.scalar()) ?? [];
  if (first === undefined || Number(last) > MAX_DOMAIN || Number(first) > Number(last)) {
    throw reader.invalid(`a domain is a number from 0 to ${MAX_DOMAIN}, or a range such as "0-9"`);
  }
  return [Number(first), Number(last)];
}

const isEmpty = ({ publish, subscribe }: RuleDraft): boolean => publish.length + subscribe.length === 0;

const RULE = ["domains", "publish", "subscribe", "partitions"];
/** DDSI-RTPS 2.2 9.6.1.1: beyond it there is no port. */
const MAX_DOMAIN = 230;

const startOfDay = (at: Date) => new Date(Math.floor(at.getTime() / 86_400_000) * 86_400_000);

function yearAfter(moment: Date): Date {
  const later = new Date(moment);
  later.setUTCFullYear(later.getUTCFullYear() + 1);
  return later;
}

const levelNames = ["none", "sign", "encrypt"] as const;

/** Three levels of protection. Reading and writing are controlled in each: that is what permissions are for. */
const levels = {
  none: level("none", "NONE", "NONE", "NONE"),
  sign: level("sign", "SIGN", "SIGN", "SIGN"),
  encrypt: level("encrypt", "ENCRYPT", "SIGN", "ENCRYPT"),
} as const;

function level<Name extends string>(
  name: Name,
  kind: "NONE" | "SIGN" | "ENCRYPT",
  headers: "NONE" | "SIGN",
  data: "NONE" | "SIGN" | "ENCRYPT",
) {
  const isProtected = kind !== "NONE";
  const topic = { discovery: isProtected, liveliness: isProtected, read: true, write: true };
  return {
    name,
    discovery: kind,
    liveliness: kind,
    rtps: headers,
    topic: { ...topic, metadata: headers, data },
  };
}
