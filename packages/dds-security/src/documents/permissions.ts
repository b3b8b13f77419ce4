import { type SourceLocation, VerifiedDocument } from "@ddscred/core";
import { readXml } from "../xml/reader.ts";
import { type DocumentTime, hasZone, parseDateTime } from "./date-time.ts";
import { type DomainSet, readDomainSet } from "./domains.ts";
import { quote, readWord } from "./values.ts";
import { type DocumentExtension, type DocumentKind, ElementWalker, type Located } from "./walk.ts";

/** A permissions document whose signature was verified. */
export interface Permissions extends PermissionsModel {
  readonly document: VerifiedDocument;
}

/** What a permissions document says (DDS-Security 10.4.1.5). */
export interface PermissionsModel {
  /** In document order. Never empty. */
  readonly grants: readonly Grant[];
  /** Elements beyond DDS-Security that may be ignored, and were. */
  readonly extensions: readonly DocumentExtension[];
}

export interface Grant {
  readonly location: SourceLocation;
  readonly name: string;
  readonly subject: GrantSubject;
  readonly validity: Validity;
  /** In document order: the first that matches decides. */
  readonly rules: readonly AccessRule[];
  /** What holds where no rule matches. Absent in the document it is DENY, without location (10.4.1.5.3.4). */
  readonly defaultAction: { readonly value: "ALLOW" | "DENY"; readonly location?: SourceLocation };
}

/** <subject_name>, or since 1.2 <subject_name_expression>: a pattern of names. */
export interface GrantSubject {
  /** As written. */
  readonly text: string;
  readonly pattern: boolean;
  readonly location: SourceLocation;
}

export interface Validity {
  readonly location: SourceLocation;
  readonly notBefore: DocumentTime;
  readonly notAfter: DocumentTime;
}

export interface AccessRule {
  readonly location: SourceLocation;
  readonly action: "allow" | "deny";
  readonly domains: DomainSet;
  /** In document order. */
  readonly criteria: readonly Criterion[];
}

/** What a rule says of one action. */
export interface Criterion {
  readonly location: SourceLocation;
  readonly kind: "publish" | "subscribe" | "relay";
  /** Patterns, as for fnmatch of POSIX. Never empty. */
  readonly topics: readonly Located<string>[];
  /** Patterns. Undefined is not the same as a pattern "": see 10.4.1.5.3.4.1.4 and 10.4.1.5.3.4.2.4. */
  readonly partitions?: readonly Located<string>[];
  readonly dataTags?: readonly DataTag[];
}

export interface DataTag {
  readonly name: string;
  readonly value: string;
  readonly location: SourceLocation;
}

/**
 * The permissions of a verified document. Locations are those of the signed file, named `file`.
 *
 * @throws CredentialError XML_INVALID, DOCUMENT_INVALID (DDS-Security 1.2 10.4.1.5.1), both with location
 */
export function readPermissions(document: VerifiedDocument, options: { file?: string } = {}): Permissions {
  if (!VerifiedDocument.is(document))
    throw new TypeError("readPermissions takes what verifyDocument returns");
  const place = { ...options, firstLine: document.contentLine };
  return { ...parsePermissions(document.content, place), document };
}

/**
 * What the XML of a permissions document says, signed or not: for looking at a document before it is signed.
 * What is to decide over access takes {@link Permissions}, which only a verified document gives.
 *
 * @throws CredentialError as {@link readPermissions}
 */
export function parsePermissions(
  xml: string | Uint8Array,
  options: { file?: string; firstLine?: number } = {},
): PermissionsModel {
  const kind: DocumentKind = { ...permissionsKind, extensions: [] };
  const root = ElementWalker.root(readXml(xml, options), kind);
  const permissions = root.take("permissions");
  root.end();
  const grants = permissions.some("grant").map(readGrant);
  permissions.end();
  return { grants, extensions: kind.extensions };
}

function readGrant(walker: ElementWalker): Grant {
  const name = walker.attribute("name");
  if (name === undefined) throw walker.invalid("attribute name is missing");
  const subject = walker.take("subject_name", "subject_name_expression");
  const pattern = subject.element.name === "subject_name_expression";
  const { value: text, location } = subject.filledText();
  const validity = readValidity(walker.take("validity"));
  const rules = walker.many("allow_rule", "deny_rule").map(readRule);
  const last = walker.optional("default");
  walker.end();
  return {
    location: walker.location,
    name: name.value,
    subject: { text, pattern, location },
    validity,
    rules,
    defaultAction: last === undefined ? { value: "DENY" } : readWord(last, ["ALLOW", "DENY"]),
  };
}

function readValidity(walker: ElementWalker): Validity {
  const notBefore = readTime(walker.take("not_before"));
  const notAfter = readTime(walker.take("not_after"));
  walker.end();
  return { location: walker.location, notBefore, notAfter };
}

function readTime(walker: ElementWalker): DocumentTime {
  const { value: text, location } = walker.filledText();
  const value = parseDateTime(text);
  if (value !== undefined) return { value, text, zone: hasZone(text), location };
  throw walker.invalid(`expected a time such as 2030-01-31T23:59:59Z, found ${quote(text)}`, location);
}

function readRule(walker: ElementWalker): AccessRule {
  const action = walker.element.name === "allow_rule" ? "allow" : "deny";
  const domains = readDomainSet(walker.take("domains"));
  const criteria = (["publish", "subscribe", "relay"] as const).flatMap((kind) =>
    walker.many(kind).map((child) => readCriterion(child, kind)),
  );
  walker.end();
  return { location: walker.location, action, domains, criteria };
}

/** Its parts stand in any order, each once at most (xs:all). */
function readCriterion(walker: ElementWalker, kind: Criterion["kind"]): Criterion {
  const open = new Set(["topics", "partitions", "data_tags"]);
  const parts = new Map<string, ElementWalker>();
  for (let part = walker.optional(...open); part !== undefined; part = walker.optional(...open)) {
    parts.set(part.element.name, part);
    open.delete(part.element.name);
  }
  const topics = parts.get("topics") ?? walker.take("topics");
  walker.end();
  const partitions = parts.get("partitions");
  const tags = parts.get("data_tags");
  return {
    location: walker.location,
    kind,
    topics: readList(topics, "topic", (topic) => topic.filledText()),
    // The empty partition is the name of the default one.
    ...(partitions && { partitions: readList(partitions, "partition", (partition) => partition.text()) }),
    ...(tags && { dataTags: readList(tags, "tag", readTag).flat() }),
  };
}

function readList<T>(walker: ElementWalker, name: string, read: (child: ElementWalker) => T): T[] {
  const list = walker.some(name).map(read);
  walker.end();
  return list;
}

/** The schema lets one <tag> hold several pairs of name and value. */
function readTag(walker: ElementWalker): readonly DataTag[] {
  const tags: DataTag[] = [];
  for (let name = walker.take("name"); ; ) {
    const { value, location } = name.filledText();
    tags.push({ name: value, value: walker.take("value").text().value, location });
    const next = walker.optional("name");
    if (next === undefined) break;
    name = next;
  }
  walker.end();
  return tags;
}

const ELEMENTS = `
  dds permissions grant subject_name subject_name_expression validity not_before not_after
  allow_rule deny_rule default domains id id_range min max tag tag_expression publish subscribe
  relay topics topic partitions partition data_tags name value
`
  .trim()
  .split(/\s+/);

const permissionsKind: Omit<DocumentKind, "extensions"> = {
  title: "permissions",
  section: "DDS-Security 1.2 10.4.1.5.1",
  elements: new Set(ELEMENTS),
  attributes: { grant: ["name"] },
};
