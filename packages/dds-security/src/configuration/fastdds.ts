import { CredentialError, nearest, Secret, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import { FindingList } from "../finding-list.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import { whatElement, whatText } from "./looks-like.ts";
import type { Configuration, LocatedSecret, LocatedValue } from "./model.ts";
import { otherSettings, type PropertyRow, type SecurityProperty, securityProperties } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";
import { shownProperty } from "./shown.ts";

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
      ...new ProfileReader().read(properties, participant.location),
    };
  });
}

/** One property element of a profile. */
interface PropertyElement {
  readonly name: string;
  readonly value: string;
  readonly location: SourceLocation;
  readonly valueLocation: SourceLocation;
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

class ProfileReader {
  readonly #properties = new Map<SecurityProperty, LocatedValue>();
  readonly #settings = new Map<string, LocatedValue>();
  readonly #findings = new FindingList();
  readonly #broken = new Set<string>();
  #password: LocatedSecret | undefined;

  read(
    elements: readonly PropertyElement[],
    place: SourceLocation,
  ): Pick<Configuration, "properties" | "settings" | "password" | "findings"> {
    const seen = new Set<string>();
    for (const element of elements) {
      if (!element.name.startsWith("dds.sec.")) continue;
      if (seen.has(element.name))
        this.#invalid(`${element.name} is given twice; the first one counts`, element);
      else this.#property(element);
      seen.add(element.name);
    }
    this.#plugins(place);
    this.#findings.keep(...judgeRequirements(this.#properties, this.#broken, place, { missing }));
    const [properties, settings, findings] = [this.#properties, this.#settings, this.#findings.all()];
    const password = this.#password;
    return { properties, settings, findings, ...(password === undefined ? {} : { password }) };
  }

  #property(element: PropertyElement): void {
    const { name, value, valueLocation: location } = element;
    const row = rows.find(({ fastdds }) => fastdds === name);
    if (row !== undefined && value !== "") {
      if (row.secret) this.#password = { value: new Secret(value), literal: true, location };
      else this.#credential(row.property as SecurityProperty, element);
    } else if (row === undefined && isSetting(name)) {
      this.#settings.set(name, { value, written: value, location });
    } else if (row === undefined) this.#unknown(element);
  }

  #credential(property: SecurityProperty, { value, valueLocation: location }: PropertyElement): void {
    const read = readUri(property, value);
    if (read === undefined) {
      this.#broken.add(property);
      const schemes = property === PRIVATE_KEY ? "file:// and pkcs11: URIs" : "file:// URIs";
      const message = `Fast DDS reads ${schemes} only here`;
      this.#findings.add(finding("URI_SCHEME_REFUSED", "error", message, { property, uri: value, location }));
    } else this.#properties.set(property, { value: read, written: value, location });
  }

  #unknown(element: PropertyElement): void {
    const row = rows.find(({ property }) => property === element.name);
    if (row?.fastdds !== undefined) {
      this.#broken.add(row.property);
      const hint = `Write ${row.fastdds}.`;
      this.#invalid(`Fast DDS does not read ${row.property}`, element, hint);
      return;
    }
    const shown = shownProperty(element.name);
    const names = [...rows.flatMap(({ fastdds }) => fastdds ?? []), ...PLUGINS.keys()];
    const candidates = shown === undefined ? [] : nearest(shown, names);
    const hint = candidates.length === 0 ? "Remove it." : `Did you mean ${candidates.join(" or ")}?`;
    this.#invalid(`Fast DDS has no property ${shown ?? "of this name"}`, element, hint);
  }

  /** Without its plugins named, Fast DDS runs as if no security was asked for. */
  #plugins(place: SourceLocation): void {
    for (const [name, { plugin, without }] of PLUGINS) {
      const setting = this.#settings.get(name);
      if (setting?.value === plugin) continue;
      const hint = `Set ${name} to ${plugin}.`;
      const message =
        setting === undefined ? `${name} is not set: ${without}` : `${name} is not ${plugin}: ${without}`;
      const location = setting?.location ?? place;
      this.#findings.keep(finding("SECURITY_MISSING", "error", message, { location, hint }));
    }
  }

  #invalid(message: string, { location }: PropertyElement, hint = "Remove one of the two."): void {
    this.#findings.add(finding("CONFIG_INVALID", "error", message, { location, hint }));
  }
}

/** Fast DDS takes what follows `file://` for the path as it stands: relative too, and nothing decoded. */
function readUri(property: SecurityProperty, written: string): string | undefined {
  if (written.startsWith("pkcs11:")) return property === PRIVATE_KEY ? written : undefined;
  if (!written.startsWith("file://")) return undefined;
  return `file:${written.slice("file://".length).replaceAll("%", "%25")}`;
}

const PRIVATE_KEY = "dds.sec.auth.private_key";

const rows: readonly PropertyRow[] = securityProperties;

const PLUGINS = new Map([
  ["dds.sec.auth.plugin", { plugin: "builtin.PKI-DH", without: "Fast DDS runs without security" }],
  [
    "dds.sec.access.plugin",
    { plugin: "builtin.Access-Permissions", without: "Governance and Permissions are not enforced" },
  ],
  ["dds.sec.crypto.plugin", { plugin: "builtin.AES-GCM-GMAC", without: "Fast DDS runs without security" }],
]);

const isSetting = (name: string): boolean =>
  PLUGINS.has(name) ||
  otherSettings.includes(name) ||
  name.startsWith("dds.sec.log.") ||
  name.startsWith("dds.sec.auth.builtin.PKI-DH.handshake_");

const missing = ({ fastdds, property, element }: PropertyRow) => ({
  message: `${element} is missing (${fastdds ?? property})`,
  hint: `Add a property ${fastdds ?? property} to <propertiesPolicy>.`,
});

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
