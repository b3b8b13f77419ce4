import { CredentialError, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { FindingList } from "../finding-list.ts";
import type { XmlElement } from "../xml/element.ts";
import type { CycloneOptions } from "./cyclone.ts";
import { expandText, type VariableContext, variableLookup } from "./variables.ts";

/** A Domain element, or what stands in its place. */
interface DomainElement {
  readonly domain: "any" | number;
  readonly sections: readonly XmlElement[];
  readonly location: SourceLocation;
}

/** The Domains of a configuration, in the order of the document. What is wrong around their sections is added. */
export function readDomains(
  root: XmlElement,
  options: CycloneOptions,
  findings: FindingList,
): DomainElement[] {
  if (!isNamed(root, "CycloneDDS")) {
    if (options.file !== undefined) findings.add(rootMissing(root));
    if (isNamed(root, "Domain")) return [readDomain(root, options, findings)];
    return [{ domain: "any", sections: namedSecurity([root], findings), location: root.location }];
  }
  return root.children.flatMap((child) => {
    if (isNamed(child, "Domain")) return [readDomain(child, options, findings)];
    if (!isNamed(child, "DDSSecurity")) return [];
    return [{ domain: "any", sections: namedSecurity([child], findings), location: child.location } as const];
  });
}

function readDomain(element: XmlElement, context: VariableContext, findings: FindingList): DomainElement {
  let domain: "any" | number = "any";
  const set = (written: string, location: SourceLocation) => {
    const text = { written, location, property: "Domain Id", secret: false };
    const { value, findings: found } = expandText(text, variableLookup(context));
    findings.add(...found);
    if (value === undefined || /^any$/i.test(value)) return;
    const id = /^\+?[0-9]{1,10}$/.test(value) ? Number(value) : ANY_DOMAIN;
    if (id < ANY_DOMAIN) domain = id;
    else findings.add(invalid('the Id of a Domain is "any" or a number', location));
  };
  for (const { name, value, location } of element.attributes) {
    if (/^id$/i.test(name)) set(value, location);
    else findings.add(invalid(`attribute ${name.slice(0, 64)} is unknown in <Domain>`, location));
  }
  for (const child of element.children.filter((each) => isNamed(each, "Id"))) {
    findings.add(outdated("<Id>", '<Domain Id="...">', child.location));
    set(child.text, child.textLocation);
  }
  const sections = element.children.filter((child) => isNamed(child, ...SECURITY));
  return { domain, sections: namedSecurity(sections, findings), location: element.location };
}

interface ChosenSection {
  readonly domain: "any" | number;
  readonly section: XmlElement;
}

/** The section that each domain uses: the first that applies to it. The others are passed over, and said. */
export function chooseSections(
  domains: readonly DomainElement[],
  wanted: number | undefined,
  findings: FindingList,
): readonly ChosenSection[] {
  const count = domains.reduce((sum, { sections }) => sum + 1 + sections.length, 0);
  if (count > MAX_DOMAINS) {
    throw new CredentialError("CONFIG_INVALID", `there are more than ${MAX_DOMAINS} Domains`);
  }
  const chosen = new Map<"any" | number, XmlElement>();
  for (const { domain, sections } of domains) {
    if (wanted !== undefined && domain !== "any" && domain !== wanted) continue;
    for (const section of sections) {
      const first =
        chosen.get("any") ?? (wanted === undefined ? chosen.get(domain) : [...chosen.values()][0]);
      if (first === undefined) chosen.set(domain, section);
      else findings.add(passedOver(section, first));
    }
  }
  return [...chosen].map(([domain, section]) => ({ domain, section }));
}

function namedSecurity(sections: readonly XmlElement[], findings: FindingList): readonly XmlElement[] {
  for (const { name, location } of sections) {
    if (/^ddssecurity$/i.test(name)) findings.add(outdated("<DDSSecurity>", "<Domain><Security>", location));
  }
  return sections;
}

/** What is said where no Domain that is asked for has a section. */
export function sectionMissing(
  root: XmlElement,
  domains: readonly DomainElement[],
  wanted?: number,
): Finding {
  const applies = domains.filter(
    ({ domain }) => wanted === undefined || domain === "any" || domain === wanted,
  );
  const location = applies[0]?.location ?? root.location;
  const forDomain = wanted === undefined ? "" : ` for domain ${wanted}`;
  const others = domains.flatMap(({ domain, sections }) => (sections.length > 0 ? [domain] : []));
  const listed = [...new Set(others)].slice(0, MAX_LISTED).join(", ");
  return finding("SECURITY_MISSING", "error", `there is no Security section${forDomain}`, {
    location,
    ...(listed === "" ? {} : { hint: `There is one for domain ${listed}: judge that, or add one.` }),
  });
}

const passedOver = (section: XmlElement, first: XmlElement): Finding =>
  finding(
    "CONFIG_INVALID",
    "warning",
    `this Security section is not used: the one at line ${first.location.line} comes first, and is used whole`,
    { location: section.location, hint: "Keep one Security section for each domain." },
  );

const rootMissing = (root: XmlElement): Finding =>
  finding("CONFIG_INVALID", "error", `the root element of a file is CycloneDDS, not ${root.name}`, {
    location: root.location,
    hint: "Put <CycloneDDS> around it; the short form is for CYCLONEDDS_URI only.",
  });

const outdated = (old: string, now: string, location: SourceLocation): Finding =>
  finding("CONFIG_INVALID", "warning", `${old} is the older form of ${now}`, {
    location,
    hint: `Write ${now}.`,
  });

const invalid = (message: string, location: SourceLocation): Finding =>
  finding("CONFIG_INVALID", "error", message, { location });

/** Names of elements count without regard to case. */
export const isNamed = (element: XmlElement, ...names: readonly string[]): boolean =>
  names.some((name) => name.toLowerCase() === element.name.toLowerCase());

/** The element, and its older name. */
export const SECURITY = ["Security", "DDSSecurity"];
const MAX_DOMAINS = 1000;
const MAX_LISTED = 10;
/** What Cyclone DDS keeps for "any". */
export const ANY_DOMAIN = 0xffffffff;
