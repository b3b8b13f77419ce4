import { CredentialError, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import { FindingList } from "../finding-list.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import { whatElement, whatText } from "./looks-like.ts";
import type { Configuration } from "./model.ts";
import { readSecuritySection } from "./security-section.ts";
import { expandText, type VariableContext, variableLookup } from "./variables.ts";

export interface CycloneOptions {
  /** The file that the text was read from. Without it the text counts as given inline in CYCLONEDDS_URI. */
  readonly file?: string;
  /** The environment of the process that will use the configuration. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Keeps what applies to this domain: exactly one configuration comes back. */
  readonly domain?: number;
  /** What `${CYCLONEDDS_PID}` stands for; without it that variable counts as unset. */
  readonly processId?: number;
}

/**
 * The security configurations in a Cyclone DDS configuration: one for each Domain that has a Security section
 * of its own, in the order of the document. What makes a section useless to Cyclone DDS is a finding, so that
 * all of it is said; a text that has no section at all gives one configuration that says so.
 *
 * As in Cyclone DDS, of several sections for one domain the first is used whole and the others are not. What is
 * wrong with the text around the sections is told once, with the first configuration.
 *
 * @throws CredentialError XML_INVALID where the text is no XML, CONFIG_INVALID where it is something else
 */
export function readCycloneConfiguration(
  text: string | Uint8Array,
  options: CycloneOptions,
): readonly Configuration[] {
  checkArguments(text, options);
  return cycloneConfigurations(readRoot(text, options.file), options);
}

/** The same for a document that was read already. */
export function cycloneConfigurations(root: XmlElement, options: CycloneOptions): readonly Configuration[] {
  const findings = new FindingList();
  const domains = readDomains(root, options, findings);
  const sections = chooseSections(domains, options.domain, findings);
  const source = options.file ?? "inline XML";
  const form = "cyclonedds" as const;
  const origin = options.file === undefined ? { form, source } : { form, source, file: options.file };
  if (sections.length === 0) {
    const missing = sectionMissing(root, domains, options.domain);
    const nothing = { properties: new Map(), settings: new Map(), findings: [missing, ...findings.all()] };
    return [{ ...origin, domain: options.domain, ...nothing }];
  }
  return sections.map(({ domain, section }, index) => {
    const list = index === 0 ? findings : new FindingList();
    const context = { ...options, domain: typeof domain === "number" ? domain : options.domain };
    const read = readSecuritySection(section, variableLookup(context), list);
    return { ...origin, ...read, domain, findings: list.all() };
  });
}

/** Whether an XML root is one that Cyclone DDS reads. */
export const isCycloneRoot = (root: XmlElement): boolean =>
  isNamed(root, "CycloneDDS", "Domain", ...SECURITY);

/** A Domain element, or what stands in its place. */
interface DomainElement {
  readonly domain: "any" | number;
  readonly sections: readonly XmlElement[];
  readonly location: SourceLocation;
}

export function checkArguments(text: unknown, { environment, domain }: CycloneOptions): void {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw new TypeError("a configuration is a string or a Uint8Array");
  }
  if (typeof environment !== "object" || environment === null) {
    throw new TypeError("environment is an object of variables");
  }
  if (domain !== undefined && !(Number.isInteger(domain) && domain >= 0 && domain < ANY_DOMAIN)) {
    throw new TypeError("domain is an integer from 0 to 4294967294");
  }
}

function readRoot(text: string | Uint8Array, file: string | undefined): XmlElement {
  const place = file === undefined ? {} : { file };
  const seems = whatText(text);
  if (seems !== undefined) throw notConfiguration(seems, { ...place, line: 1, column: 1 });
  const root = readXml(text, { ...place, doctype: "plain" });
  if (isCycloneRoot(root)) return root;
  throw notConfiguration(whatElement(root), root.location);
}

function readDomains(root: XmlElement, options: CycloneOptions, findings: FindingList): DomainElement[] {
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

/** The section that each domain uses: the first that applies to it. The others are passed over, and said. */
function chooseSections(
  domains: readonly DomainElement[],
  wanted: number | undefined,
  findings: FindingList,
) {
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

function sectionMissing(root: XmlElement, domains: readonly DomainElement[], wanted?: number): Finding {
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

const notConfiguration = (what: string, location: SourceLocation): CredentialError =>
  new CredentialError("CONFIG_INVALID", `this is no Cyclone DDS configuration but ${what}`, {
    location,
    hint: "Give the XML file that has <CycloneDDS> as its root.",
  });

const isNamed = (element: XmlElement, ...names: readonly string[]): boolean =>
  names.some((name) => name.toLowerCase() === element.name.toLowerCase());

const SECURITY = ["Security", "DDSSecurity"];
const MAX_DOMAINS = 1000;
const MAX_LISTED = 10;
/** What Cyclone DDS keeps for "any". */
const ANY_DOMAIN = 0xffffffff;
