import type { Certificate } from "../certificate.ts";
import {
  ANY_POLICY,
  certificatePolicies,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from "../policy-extensions.ts";
import { certificateError } from "./certificate-error.ts";
import { isSelfIssued } from "./rules.ts";

/** The relying party's own demands (RFC 5280 6.1.1 (c), (e), (f), (g)). */
export interface PolicyInput {
  /** Dotted OIDs of the policies that are acceptable. Default: any. */
  readonly acceptable?: readonly string[];
  /** Whether the path must be valid for one of them. Default false. */
  readonly requireExplicit?: boolean;
  readonly inhibitMapping?: boolean;
  readonly inhibitAny?: boolean;
}

/** The outcome of policy processing (RFC 9618 5.4); dotted OIDs, `2.5.29.32.0` for any policy. */
export interface PathPolicies {
  /** The policies that the authorities of the path assert, in the anchor's own terms. */
  readonly authority: readonly string[];
  /** Those of them that the relying party accepts. */
  readonly user: readonly string[];
}

/** A policy at one depth of the graph. */
interface Node {
  readonly policy: string;
  expected: ReadonlySet<string>;
  readonly parents: readonly Node[];
}

/** One level of the graph; each policy stands in it once, so that the graph is as small as its extensions. */
type Level = Map<string, Node>;

/**
 * Policies of a path by the graph of RFC 9618, which gives the same verdicts as the tree of RFC 5280 section 6.1 but
 * cannot grow beyond the size of the certificates.
 *
 * Policies and mappings of the anchor are not looked at; its policyConstraints and inhibitAnyPolicy are, as if the
 * relying party had asked for them (RFC 5937 3.2).
 *
 * @param path leaf first, anchor last
 * @throws CredentialError `POLICY_REFUSED`, `CERTIFICATE_INVALID`
 */
export function checkPolicies(path: readonly Certificate[], input: PolicyInput): PathPolicies {
  const certificates = path.length > 1 ? path.slice(0, -1).toReversed() : path;
  const count = certificates.length;
  const root: Node = { policy: ANY_POLICY, expected: new Set([ANY_POLICY]), parents: [] };
  let graph: Level[] | undefined = [new Map([[ANY_POLICY, root]])];
  const left = {
    explicit: input.requireExplicit === true ? 0 : count + 1,
    mapping: input.inhibitMapping === true ? 0 : count + 1,
    any: input.inhibitAny === true ? 0 : count + 1,
  };
  const anchor = path.at(-1);
  if (path.length > 1 && anchor !== undefined) lowerCounters(anchor, left);

  certificates.forEach((certificate, index) => {
    const isLast = index === count - 1;
    graph = addLevel(graph, certificate, left.any > 0 || (!isLast && isSelfIssued(certificate)));
    if (left.explicit === 0 && graph === undefined) throw refused(certificate, path);
    if (isLast) return;
    graph = applyMappings(graph, certificate, left.mapping > 0);
    if (!isSelfIssued(certificate)) {
      left.explicit = Math.max(0, left.explicit - 1);
      left.mapping = Math.max(0, left.mapping - 1);
      left.any = Math.max(0, left.any - 1);
    }
    lowerCounters(certificate, left);
  });

  const leaf = path[0];
  if (leaf !== undefined && policyConstraints(leaf)?.requireExplicitPolicy === 0) left.explicit = 0;
  left.explicit = Math.max(0, left.explicit - 1);
  const policies = outcome(graph, input.acceptable ?? [ANY_POLICY]);
  if (left.explicit === 0 && policies.user.length === 0 && leaf !== undefined) throw refused(leaf, path);
  return policies;
}

/** 6.1.3 (d) and (e): the level of one certificate; undefined where no policy is valid any more. */
function addLevel(
  graph: Level[] | undefined,
  certificate: Certificate,
  anyCounts: boolean,
): Level[] | undefined {
  const asserted = certificatePolicies(certificate);
  const above = graph?.at(-1);
  if (graph === undefined || above === undefined || asserted === undefined) return undefined;
  const expectedBy = new Map<string, Node[]>();
  for (const node of above.values()) {
    for (const policy of node.expected) {
      const nodes = expectedBy.get(policy);
      if (nodes === undefined) expectedBy.set(policy, [node]);
      else nodes.push(node);
    }
  }
  const any = above.get(ANY_POLICY);
  const level: Level = new Map();
  const add = (policy: string, parents: readonly Node[]) =>
    level.set(policy, { policy, expected: new Set([policy]), parents });
  for (const policy of asserted) {
    if (policy === ANY_POLICY) continue;
    const parents = expectedBy.get(policy) ?? (any === undefined ? undefined : [any]);
    if (parents !== undefined) add(policy, parents);
  }
  if (asserted.has(ANY_POLICY) && anyCounts) {
    for (const [policy, parents] of expectedBy) if (!level.has(policy)) add(policy, parents);
  }
  return level.size === 0 ? undefined : [...graph, level];
}

/** 6.1.4 (a) and (b). */
function applyMappings(
  graph: Level[] | undefined,
  certificate: Certificate,
  mayMap: boolean,
): Level[] | undefined {
  const targets = new Map<string, Set<string>>();
  for (const { issuerDomain, subjectDomain } of policyMappings(certificate) ?? []) {
    if (issuerDomain === ANY_POLICY || subjectDomain === ANY_POLICY) {
      const problem = "its policyMappings map anyPolicy";
      throw certificateError("POLICY_REFUSED", certificate, problem, "RFC 5280 6.1.4 (a)");
    }
    const set = targets.get(issuerDomain);
    if (set === undefined) targets.set(issuerDomain, new Set([subjectDomain]));
    else set.add(subjectDomain);
  }
  const level = graph?.at(-1);
  if (graph === undefined || level === undefined) return undefined;
  for (const [policy, expected] of targets) {
    const node = level.get(policy);
    if (!mayMap) {
      level.delete(policy);
    } else if (node !== undefined) {
      node.expected = expected;
    } else {
      const any = level.get(ANY_POLICY);
      if (any !== undefined) level.set(policy, { policy, expected, parents: any.parents });
    }
  }
  return level.size === 0 ? undefined : graph;
}

/** 6.1.4 (i) and (j). */
function lowerCounters(
  certificate: Certificate,
  left: { explicit: number; mapping: number; any: number },
): void {
  const constraints = policyConstraints(certificate);
  left.explicit = Math.min(left.explicit, constraints?.requireExplicitPolicy ?? Infinity);
  left.mapping = Math.min(left.mapping, constraints?.inhibitPolicyMapping ?? Infinity);
  left.any = Math.min(left.any, inhibitAnyPolicy(certificate) ?? Infinity);
}

/** 6.1.5 (g): what of the graph still leads to the leaf, in the terms of the anchor. */
function outcome(graph: Level[] | undefined, acceptable: readonly string[]): PathPolicies {
  const authority = new Set<string>();
  let alive = new Set(graph?.at(-1)?.values());
  for (const node of alive) if (node.policy === ANY_POLICY) authority.add(ANY_POLICY);
  while (alive.size > 0) {
    const above = new Set<Node>();
    for (const node of alive) {
      for (const parent of node.parents) {
        above.add(parent);
        if (parent.policy === ANY_POLICY && node.policy !== ANY_POLICY) authority.add(node.policy);
      }
    }
    alive = above;
  }
  const all = [...authority];
  if (acceptable.includes(ANY_POLICY)) return { authority: all, user: all };
  const user = authority.has(ANY_POLICY)
    ? [...new Set(acceptable)]
    : all.filter((policy) => acceptable.includes(policy));
  return { authority: all, user };
}

function refused(certificate: Certificate, path: readonly Certificate[]) {
  const asserted = certificatePolicies(certificate);
  const own =
    asserted === undefined ? "it asserts none" : `it asserts ${[...asserted].slice(0, 5).join(", ")}`;
  const problem = `no certificate policy is valid for the path of ${path.length} certificates, and one is required; ${own}`;
  return certificateError("POLICY_REFUSED", certificate, problem, "RFC 5280 6.1.3 (f)");
}
