import { CredentialError, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import { type PropertyElement, readProfile } from "./fastdds-profile.ts";
import { whatElement, whatText } from "./looks-like.ts";
import type { Configuration } from "./model.ts";

export interface FastddsOptions {
  /** The file that the text was read from. */
  readonly file?: string;
  /** Keeps the profiles for this domain, and those that name none. */
  readonly domain?: number;
}

/** Whether an XML root is one of Fast DDS's: `<dds>` or `<profiles>` with profiles in it. */
export function isFastddsRoot(root: XmlElement): boolean {
  return profileParents(root).length > 0;
}

/**
 * The security configurations in an XML file of Fast DDS: one for each participant profile whose propertiesPolicy
 * sets a `dds.sec.` property, in the order of the document. Only the names that Fast DDS reads count; of a
 * property given twice the first does. A file with no such profile gives one configuration that says so.
 *
 * @throws CredentialError XML_INVALID where the text is no XML, CONFIG_INVALID where it is something else
 */
export function readFastddsConfiguration(
  text: string | Uint8Array,
  options: FastddsOptions = {},
): readonly Configuration[] {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw new TypeError("a configuration is a string or a Uint8Array");
  }
  const place = options.file === undefined ? {} : { file: options.file };
  const seems = whatText(text);
  if (seems !== undefined) throw notProfile(seems, { ...place, line: 1, column: 1 });
  const root = readXml(text, { ...place, doctype: "plain" });
  if (!isFastddsRoot(root)) throw notProfile(whatElement(root), root.location);
  return fastddsConfigurations(root, options);
}

/** The same for a document that was read already. */
export function fastddsConfigurations(root: XmlElement, options: FastddsOptions): readonly Configuration[] {
  const form = "fastdds" as const;
  const origin = options.file === undefined ? { form } : { form, file: options.file };
  const source = options.file ?? "inline XML";
  const participants = profileParents(root).flatMap((parent) => named(parent, "participant"));
  if (participants.length > MAX_PROFILES) {
    throw new CredentialError("CONFIG_INVALID", `there are more than ${MAX_PROFILES} participant profiles`);
  }
  const secured = participants
    .map((participant) => ({ participant, properties: propertiesOf(participant) }))
    .filter(({ properties }) => properties.some(({ name }) => name.startsWith("dds.sec.")));
  const applies = secured.filter(({ participant }) => {
    const domain = domainOf(participant);
    return options.domain === undefined || domain === undefined || domain === options.domain;
  });
  if (applies.length === 0) {
    const nothing = { properties: new Map(), settings: new Map(), findings: [noProfile(root, options)] };
    return [{ ...origin, source, domain: options.domain, ...nothing }];
  }
  return applies.map(({ participant, properties }) => {
    const name = participant.attributes.find((attribute) => attribute.name === "profile_name")?.value;
    const called = applies.length > 1 && name !== undefined ? `${source} (${name.slice(0, 64)})` : source;
    return {
      ...origin,
      source: called,
      domain: domainOf(participant),
      ...readProfile(properties, participant.location),
    };
  });
}

function propertiesOf(participant: XmlElement): readonly PropertyElement[] {
  const path = ["rtps", "propertiesPolicy", "properties", "property"];
  const elements = path.reduce<readonly XmlElement[]>(
    (parents, name) => parents.flatMap((parent) => named(parent, name)),
    [participant],
  );
  return elements.map((element) => {
    const [value] = named(element, "value");
    return {
      name: named(element, "name")[0]?.text ?? "",
      value: value?.text ?? "",
      location: element.location,
      valueLocation: value?.textLocation ?? element.location,
    };
  });
}

function profileParents(root: XmlElement): readonly XmlElement[] {
  if (root.name === "profiles") return [root];
  if (root.name !== "dds") return [];
  // Both `<dds><profiles>` and, as the schema allows too, profiles right below `<dds>`.
  const parents = [...named(root, "profiles"), ...(named(root, "participant").length > 0 ? [root] : [])];
  return parents;
}

function domainOf(participant: XmlElement): number | undefined {
  const text = named(participant, "domainId")[0]?.text ?? "";
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : undefined;
}

function noProfile(root: XmlElement, { domain }: FastddsOptions): Finding {
  const where = domain === undefined ? "" : ` for domain ${domain}`;
  return finding("SECURITY_MISSING", "error", `no participant profile${where} sets a security property`, {
    location: root.location,
    hint: "Put the dds.sec. properties into <participant><rtps><propertiesPolicy>.",
  });
}

const notProfile = (what: string, location: SourceLocation): CredentialError =>
  new CredentialError("CONFIG_INVALID", `this is no Fast DDS profile but ${what}`, {
    location,
    hint: "Give the XML file that has <dds> or <profiles> as its root.",
  });

const named = (element: XmlElement, name: string): readonly XmlElement[] =>
  element.children.filter((child) => child.name === name);

const MAX_PROFILES = 1000;
