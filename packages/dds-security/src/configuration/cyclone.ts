import { CredentialError, type SourceLocation } from "@ddscred/core";
import { FindingList } from "../finding-list.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import {
  ANY_DOMAIN,
  chooseSections,
  isNamed,
  readDomains,
  SECURITY,
  sectionMissing,
} from "./cyclone-domains.ts";
import { whatElement, whatText } from "./looks-like.ts";
import type { Configuration } from "./model.ts";
import { readSecuritySection } from "./security-section.ts";
import { variableLookup } from "./variables.ts";

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

const notConfiguration = (what: string, location: SourceLocation): CredentialError =>
  new CredentialError("CONFIG_INVALID", `this is no Cyclone DDS configuration but ${what}`, {
    location,
    hint: "Give the XML file that has <CycloneDDS> as its root.",
  });
