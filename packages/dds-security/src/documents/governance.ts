import { type SourceLocation, VerifiedDocument } from "@ddscred/core";
import { readXml } from "../xml/reader.ts";
import { type AllowedAlgorithms, readAllowedAlgorithms } from "./algorithms.ts";
import { type DomainSet, readDomainSet } from "./domains.ts";
import {
  type BasicProtectionKind,
  basicProtectionKinds,
  type ProtectionKind,
  protectionKinds,
  readBoolean,
  readWord,
} from "./values.ts";
import { type DocumentExtension, type DocumentKind, ElementWalker, type Located } from "./walk.ts";

/** A governance document whose signature was verified. */
export interface Governance extends GovernanceModel {
  readonly document: VerifiedDocument;
}

/** What a governance document says (DDS-Security 10.4.1.2). */
export interface GovernanceModel {
  /** In document order: the first that covers a domain decides for it. Never empty. */
  readonly domainRules: readonly DomainRule[];
  /** Elements beyond DDS-Security that may be ignored, and were. */
  readonly extensions: readonly DocumentExtension[];
}

export interface DomainRule {
  readonly location: SourceLocation;
  readonly domains: DomainSet;
  readonly allowUnauthenticatedParticipants: Located<boolean>;
  readonly enableJoinAccessControl: Located<boolean>;
  readonly discoveryProtectionKind: Located<ProtectionKind>;
  readonly livelinessProtectionKind: Located<ProtectionKind>;
  readonly rtpsProtectionKind: Located<ProtectionKind>;
  /** In document order: the first whose expression matches a topic decides for it. Never empty. */
  readonly topicRules: readonly TopicRule[];
  /** Since 1.2. */
  readonly enableKeyRevision?: Located<boolean>;
  /** Since 1.2. */
  readonly rtpsPskProtectionKind?: Located<BasicProtectionKind>;
  /** Since 1.2. */
  readonly allowedAlgorithms?: AllowedAlgorithms;
}

export interface TopicRule {
  readonly location: SourceLocation;
  /** A pattern of topic names, as for fnmatch of POSIX. */
  readonly topicExpression: Located<string>;
  readonly enableDiscoveryProtection: Located<boolean>;
  readonly enableLivelinessProtection: Located<boolean>;
  readonly enableReadAccessControl: Located<boolean>;
  readonly enableWriteAccessControl: Located<boolean>;
  readonly metadataProtectionKind: Located<ProtectionKind>;
  readonly dataProtectionKind: Located<BasicProtectionKind>;
}

/**
 * The governance of a verified document. Locations are those of the signed file, named `file`.
 *
 * @throws CredentialError XML_INVALID, DOCUMENT_INVALID (DDS-Security 1.2 10.4.1.2.3), both with location
 */
export function readGovernance(document: VerifiedDocument, options: { file?: string } = {}): Governance {
  if (!VerifiedDocument.is(document)) throw new TypeError("readGovernance takes what verifyDocument returns");
  const place = { ...options, firstLine: document.contentLine };
  return { ...parseGovernance(document.content, place), document };
}

/**
 * What the XML of a governance document says, signed or not: for looking at a document before it is signed.
 * What is to decide over access takes a {@link Governance}, which only a verified document gives.
 *
 * @throws CredentialError as {@link readGovernance}
 */
export function parseGovernance(
  xml: string | Uint8Array,
  options: { file?: string; firstLine?: number } = {},
): GovernanceModel {
  const kind: DocumentKind = { ...governanceKind, extensions: [] };
  const root = ElementWalker.root(readXml(xml, options), kind);
  const rules = root.take("domain_access_rules");
  root.end();
  const domainRules = rules.some("domain_rule").map(readDomainRule);
  rules.end();
  return { domainRules, extensions: kind.extensions };
}

function readDomainRule(walker: ElementWalker): DomainRule {
  const additions = new Additions(walker);
  const domains = readDomainSet(walker.take("domains"));
  const allowUnauthenticatedParticipants = readBoolean(walker.take("allow_unauthenticated_participants"));
  const enableJoinAccessControl = readBoolean(walker.take("enable_join_access_control"));
  additions.read();
  const discoveryProtectionKind = readWord(walker.take("discovery_protection_kind"), protectionKinds);
  additions.read();
  const livelinessProtectionKind = readWord(walker.take("liveliness_protection_kind"), protectionKinds);
  additions.read();
  const rtpsProtectionKind = readWord(walker.take("rtps_protection_kind"), protectionKinds);
  additions.read();
  const topics = walker.take("topic_access_rules");
  const topicRules = topics.some("topic_rule").map(readTopicRule);
  topics.end();
  additions.read();
  walker.end();
  return {
    location: walker.location,
    domains,
    allowUnauthenticatedParticipants,
    enableJoinAccessControl,
    discoveryProtectionKind,
    livelinessProtectionKind,
    rtpsProtectionKind,
    topicRules,
    ...additions.found,
  };
}

/**
 * The three elements that 1.2 added to a domain rule. The schema of 1.2, its prose and its own example put
 * them in different places, so each may stand once anywhere behind enable_join_access_control; the elements
 * of 1.1 keep their order.
 */
class Additions {
  readonly found: {
    enableKeyRevision?: Located<boolean>;
    rtpsPskProtectionKind?: Located<BasicProtectionKind>;
    allowedAlgorithms?: AllowedAlgorithms;
  } = {};
  readonly #walker: ElementWalker;
  readonly #open = new Set(["enable_key_revision", "rtps_psk_protection_kind", "allowed_crypto_algorithms"]);

  constructor(walker: ElementWalker) {
    this.#walker = walker;
  }

  read(): void {
    for (let child = this.#next(); child !== undefined; child = this.#next()) {
      const { name } = child.element;
      this.#open.delete(name);
      if (name === "enable_key_revision") this.found.enableKeyRevision = readBoolean(child);
      else if (name === "allowed_crypto_algorithms") {
        this.found.allowedAlgorithms = readAllowedAlgorithms(child);
      } else this.found.rtpsPskProtectionKind = readWord(child, basicProtectionKinds);
    }
  }

  #next(): ElementWalker | undefined {
    return this.#walker.optional(...this.#open);
  }
}

function readTopicRule(walker: ElementWalker): TopicRule {
  const rule = {
    location: walker.location,
    topicExpression: walker.take("topic_expression").filledText(),
    enableDiscoveryProtection: readBoolean(walker.take("enable_discovery_protection")),
    enableLivelinessProtection: readBoolean(walker.take("enable_liveliness_protection")),
    enableReadAccessControl: readBoolean(walker.take("enable_read_access_control")),
    enableWriteAccessControl: readBoolean(walker.take("enable_write_access_control")),
    metadataProtectionKind: readWord(walker.take("metadata_protection_kind"), protectionKinds),
    dataProtectionKind: readWord(walker.take("data_protection_kind"), basicProtectionKinds),
  };
  walker.end();
  return rule;
}

const ELEMENTS = `
  dds domain_access_rules domain_rule domains id id_range min max tag tag_expression
  allow_unauthenticated_participants enable_join_access_control enable_key_revision
  discovery_protection_kind liveliness_protection_kind rtps_protection_kind
  rtps_psk_protection_kind topic_access_rules topic_rule topic_expression
  enable_discovery_protection enable_liveliness_protection enable_read_access_control
  enable_write_access_control metadata_protection_kind data_protection_kind
  allowed_crypto_algorithms digital_signature digital_signature_identity_trust_chain
  digital_signature_trust_chain key_establishment symmetric_cipher algorithm
`
  .trim()
  .split(/\s+/);

const governanceKind: Omit<DocumentKind, "extensions"> = {
  title: "governance",
  section: "DDS-Security 1.2 10.4.1.2.3",
  elements: new Set(ELEMENTS),
  attributes: {},
};
