import {
  CredentialError,
  type CryptoProvider,
  type DistinguishedName,
  type NameText,
  nameFromText,
  type SourceLocation,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { cachingOpener, type OpenDocument } from "../credentials/document-cache.ts";
import type { Grant, Permissions } from "../documents/permissions.ts";
import { compareSubject } from "../documents/subject.ts";
import { type Finding, finding } from "../finding.ts";

/**
 * Participants that are checked one after the other: what they have in common is opened once, and of all together
 * it can be said what none of them shows alone. Nothing secret is kept, and nothing of one serves another but
 * signed documents of the same content under the same CA.
 */
export class Fleet {
  readonly openDocument: OpenDocument;
  readonly #crypto: CryptoProvider;
  /** Sources by the public key of their identity. */
  readonly #keys = new Map<string, Set<string>>();
  /** Of each permissions document, by its content, the grants that were for nobody yet, by their place. */
  readonly #unused = new Map<string, Map<string, UnusedGrant>>();
  #grants = 0;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
    this.openDocument = cachingOpener(crypto);
  }

  /** Takes note of a participant that was opened. */
  async add({ source }: Configuration, deployment: Deployment): Promise<void> {
    const { identityCertificate, permissions, grant } = deployment;
    if (identityCertificate === undefined) return;
    const key = identityCertificate.publicKey.spki.join(" ");
    this.#keys.set(key, (this.#keys.get(key) ?? new Set()).add(source));
    if (permissions === undefined) return;
    const unused = await this.#grantsOf(permissions.model);
    if (grant !== undefined) {
      unused.delete(placeOf(grant));
      return;
    }
    // None is valid at the moment: the participant's are those that were, or will be.
    for (const [place, one] of unused) if (isFor(one, identityCertificate.subject)) unused.delete(place);
  }

  /** Keys that several participants have, and grants of their documents that are for none of them. */
  findings(): Finding[] {
    const shared = [...this.#keys.values()].filter(({ size }) => size > 1);
    const unused = [...this.#unused.values()].flatMap((grants) => [...grants.values()]);
    const findings = [
      ...shared.map((sources) => {
        const message = `${sources.size} participants have one key: ${listed([...sources])}`;
        return finding("KEY_SHARED", "warning", message);
      }),
      ...unused.map(({ name, text, location }) => {
        const message = `the grant ${quoted(name)} for ${quoted(text)} is for none of the participants`;
        const hint = "Take the grant out, or name the participant that it is for too.";
        return finding("RULE_WITHOUT_EFFECT", "info", message, { target: location, hint });
      }),
    ];
    return findings.slice(0, MAX_FINDINGS);
  }

  async #grantsOf({ document, grants }: Permissions): Promise<Map<string, UnusedGrant>> {
    const content = (await this.#crypto.digest("SHA-256", document.content)).join(" ");
    const known = this.#unused.get(content);
    if (known !== undefined) return known;
    this.#grants += grants.length;
    const unused = new Map(
      (this.#grants > MAX_GRANTS ? [] : grants).map((grant) => [placeOf(grant), unusedGrant(grant)]),
    );
    this.#unused.set(content, unused);
    return unused;
  }
}

/** What is kept of a grant: its rules may be many. */
interface UnusedGrant {
  readonly name: string;
  readonly text: string;
  readonly pattern: boolean;
  readonly location: SourceLocation;
  written?: NameText | undefined;
}

const unusedGrant = ({ name, subject: { text, pattern }, location }: Grant): UnusedGrant => ({
  name,
  text,
  pattern,
  location,
});

const placeOf = ({ location: { line, column } }: Grant): string => `${line}:${column}`;

function isFor(grant: UnusedGrant, subject: DistinguishedName): boolean {
  try {
    grant.written ??= nameFromText(grant.text);
    return compareSubject(subject, grant.written, grant.pattern).matches;
  } catch (error) {
    if (error instanceof CredentialError) return false;
    throw error;
  }
}

function listed(sources: readonly string[]): string {
  const named = sources.slice(0, MAX_NAMED).join(", ");
  return sources.length > MAX_NAMED ? `${named} and ${sources.length - MAX_NAMED} more` : named;
}

const quoted = (text: string): string => `"${text.slice(0, 80)}"`;

const MAX_NAMED = 5;
const MAX_FINDINGS = 1000;
const MAX_GRANTS = 100_000;
