import { CredentialError, type SourceLocation } from "@ddscred/core";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import type { DomainSpan, GrantDraft, RuleDraft } from "./draft.ts";
import { actionTopics, type RosNode, resolveName, serviceTopics, topicName } from "./ros-names.ts";

export interface PolicyOptions {
  readonly file?: string;
  readonly domains: readonly DomainSpan[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Keeps the enclave of this path. */
  readonly enclave?: string;
}

/**
 * The grants that a policy of SROS 2 asks for: one for each enclave, whose subject is the common name that SROS 2
 * gives to the enclave's certificate. ROS names become names of DDS topics (`rt/`, `rq/`, `rr/`). What is denied
 * stands before what is allowed; what is neither is denied. The parts that policies include from SROS 2 by
 * `common/node.xml` and its kin are known; other includes are refused.
 *
 * @throws CredentialError XML_INVALID, POLICY_INVALID, both with location
 */
export function readPolicy(text: string | Uint8Array, options: PolicyOptions): readonly GrantDraft[] {
  const root = readXml(text, options.file === undefined ? {} : { file: options.file });
  if (root.name !== "policy")
    throw invalid(`the root element is policy, not ${root.name.slice(0, 64)}`, root);
  const version = attribute(root, "version");
  if (version !== undefined && !/^0\.[12]\.\d+$/.test(version)) {
    throw invalid("only policies of version 0.1 and 0.2 are known", root);
  }
  const enclaves = children(root, "enclaves").flatMap((each) => children(each, "enclave"));
  const wanted = enclaves.filter(
    (each) => options.enclave === undefined || attribute(each, "path") === options.enclave,
  );
  if (wanted.length === 0) throw invalid("the policy has no such enclave", root);
  if (wanted.length > MAX_ENCLAVES) throw invalid(`there are more than ${MAX_ENCLAVES} enclaves`, root);
  return wanted.map((each) => grantOf(each, options));
}

function grantOf(enclave: XmlElement, options: PolicyOptions): GrantDraft {
  const path = attribute(enclave, "path");
  if (path === undefined || !/^(?:\/[A-Za-z_][A-Za-z0-9_]*)+$|^\/$/.test(path)) {
    throw invalid("an enclave has a path, such as /talker_listener/talker", enclave);
  }
  const access = new Access();
  for (const profile of children(enclave, "profiles").flatMap((each) => children(each, "profile"))) {
    readProfile(profile, access);
  }
  const { notBefore, notAfter } = options;
  const rules = access.rules(options.domains);
  return { name: path, subject: `CN=${path}`, notBefore, notAfter, rules };
}

function readProfile(profile: XmlElement, access: Access): void {
  const [ns, node] = [attribute(profile, "ns"), attribute(profile, "node")];
  if (ns === undefined || node === undefined || !ns.startsWith("/")) {
    throw invalid('a profile has the attributes ns, such as "/", and node', profile);
  }
  const place: RosNode = { namespace: ns.replace(/\/$/, ""), node };
  for (const child of profile.children) {
    if (child.name === "xi:include") {
      for (const [kind, qualifier, names] of included(child)) {
        for (const name of names) access.add(kind, qualifier, "ALLOW", resolveName(name, place));
      }
      continue;
    }
    const kind = KINDS[child.name];
    if (kind === undefined) {
      if (child.name === "metadata") continue;
      throw invalid(`<${child.name.slice(0, 64)}> is unknown in a profile`, child);
    }
    const names = children(child, kind.element).map(({ text, textLocation }) => {
      if (!/^[~/A-Za-z_*?[\]!{}.\d-]{1,255}$/.test(text))
        throw invalid("this is no ROS name", child, textLocation);
      return resolveName(text, place);
    });
    for (const { name: qualifier, value, location } of child.attributes) {
      if (!kind.qualifiers.includes(qualifier)) {
        throw invalid(`${qualifier.slice(0, 64)} is unknown in <${child.name}>`, child, location);
      }
      if (value !== "ALLOW" && value !== "DENY") throw invalid("ALLOW or DENY is expected", child, location);
      for (const name of names) access.add(kind.element, qualifier, value, name);
    }
  }
}

/** What an enclave may publish and subscribe, and what not. */
class Access {
  readonly #topics = {
    ALLOW: { publish: new Set<string>(), subscribe: new Set<string>() },
    DENY: { publish: new Set<string>(), subscribe: new Set<string>() },
  };

  add(kind: string, qualifier: string, action: "ALLOW" | "DENY", name: string): void {
    const topics = this.#topics[action];
    if (kind === "topic") {
      topics[qualifier === "publish" ? "publish" : "subscribe"].add(topicName(name));
      return;
    }
    const { request, reply, feedback } =
      kind === "service" ? { ...serviceTopics(name), feedback: [] } : actionTopics(name);
    const serves = qualifier === "reply" || qualifier === "execute";
    const [asks, answers] = serves ? [topics.subscribe, topics.publish] : [topics.publish, topics.subscribe];
    for (const topic of request) asks.add(topic);
    for (const topic of [...reply, ...feedback]) answers.add(topic);
  }

  rules(domains: readonly DomainSpan[]): RuleDraft[] {
    const rule = (action: RuleDraft["action"], { publish, subscribe }: Record<Direction, Set<string>>) => ({
      action,
      domains,
      publish: [...publish].toSorted(),
      subscribe: [...subscribe].toSorted(),
      partitions: [],
    });
    const { ALLOW, DENY } = this.#topics;
    // Every ROS node tells the others of its context what it has.
    ALLOW.publish.add(DISCOVERY);
    ALLOW.subscribe.add(DISCOVERY);
    const denied = DENY.publish.size + DENY.subscribe.size > 0 ? [rule("deny", DENY)] : [];
    return [...denied, rule("allow", ALLOW)];
  }
}

type Direction = "publish" | "subscribe";
const DISCOVERY = "ros_discovery_info";

const KINDS: Readonly<Record<string, { element: string; qualifiers: readonly string[] }>> = {
  topics: { element: "topic", qualifiers: ["publish", "subscribe"] },
  services: { element: "service", qualifiers: ["reply", "request"] },
  actions: { element: "action", qualifiers: ["call", "execute"] },
};

type Included = readonly [kind: string, qualifier: string, names: readonly string[]];

/** The parts of a node that policies include, by their names in SROS 2. */
const LOGGING: readonly Included[] = [["topic", "publish", ["/rosout"]]];
const TIME: readonly Included[] = [["topic", "subscribe", ["/clock"]]];
const PARAMETERS: readonly Included[] = [
  ["topic", "publish", ["/parameter_events"]],
  ["topic", "subscribe", ["/parameter_events"]],
  [
    "service",
    "reply",
    [
      "~/describe_parameters",
      "~/get_parameter_types",
      "~/get_parameters",
      "~/list_parameters",
      "~/set_parameters",
      "~/set_parameters_atomically",
    ],
  ],
];
const INCLUDES: Readonly<Record<string, readonly Included[]>> = {
  "common/node.xml": [...LOGGING, ...TIME, ...PARAMETERS],
  "common/node/logging.xml": LOGGING,
  "common/node/time.xml": TIME,
  "common/node/parameters.xml": PARAMETERS,
};

function included(element: XmlElement): readonly Included[] {
  const href = attribute(element, "href") ?? "";
  const name = Object.keys(INCLUDES).find((each) => href === each || href.endsWith(`/${each}`));
  if (name === undefined)
    throw invalid("only common/node.xml of SROS 2 and its parts can be included", element);
  return INCLUDES[name] ?? [];
}

const children = (element: XmlElement, name: string): readonly XmlElement[] =>
  element.children.filter((child) => child.name === name);

const attribute = (element: XmlElement, name: string): string | undefined =>
  element.attributes.find((each) => each.name === name)?.value;

const invalid = (message: string, element: XmlElement, location: SourceLocation = element.location) =>
  new CredentialError("POLICY_INVALID", message, { location });

const MAX_ENCLAVES = 1_000;
