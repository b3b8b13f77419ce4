import { nearest, Secret } from "@ddscred/core";
import { type FindingDetails, finding } from "../finding.ts";
import type { FindingList } from "../finding-list.ts";
import type { XmlElement } from "../xml/element.ts";
import type { VariableLookup } from "./expand.ts";
import { literalText, VARIABLE } from "./literal.ts";
import type { LocatedSecret, LocatedValue } from "./model.ts";
import { type SecurityProperty, securityProperties } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";
import { expandText } from "./variables.ts";

/** What one Security section says. */
export interface SecuritySection {
  readonly properties: ReadonlyMap<SecurityProperty, LocatedValue>;
  readonly password?: LocatedSecret;
  readonly settings: ReadonlyMap<string, LocatedValue>;
}

/**
 * Reads CycloneDDS/Domain/Security whole, as strictly as Cyclone DDS: unknown elements and attributes, text
 * where none belongs and elements given twice are errors. Names are compared without regard to case.
 *
 * @param findings what reading it finds is added here
 */
export function readSecuritySection(
  section: XmlElement,
  lookup: VariableLookup,
  findings: FindingList,
): SecuritySection {
  const reader = new SectionReader(lookup, findings);
  reader.read(section);
  findings.keep(...judgeRequirements(reader.properties, reader.broken, section.location));
  const { properties, password, settings } = reader;
  return { properties, settings, ...(password === undefined ? {} : { password }) };
}

/** The name of a setting that names no credential, for each group's Library and for the rest. */
const groups = {
  Authentication: { library: "dds.sec.auth.library", flag: "IncludeOptionalFields" },
  AccessControl: { library: "dds.sec.access.library", flag: undefined },
  Cryptographic: { library: "dds.sec.crypto.library", flag: undefined },
} as const;
type Group = keyof typeof groups;

const libraryAttributes = { path: "path", initFunction: "init", finalizeFunction: "finalize" } as const;
const INCLUDE_OPTIONAL_FIELDS = "org.eclipse.cyclonedds.sec.auth.include_optional_fields";

class SectionReader {
  readonly properties = new Map<SecurityProperty, LocatedValue>();
  readonly settings = new Map<string, LocatedValue>();
  /** Properties that stand in the section with a value that cannot be used. */
  readonly broken = new Set<string>();
  password: LocatedSecret | undefined;
  readonly #lookup: VariableLookup;
  readonly #findings: FindingList;

  constructor(lookup: VariableLookup, findings: FindingList) {
    this.#lookup = lookup;
    this.#findings = findings;
  }

  read(section: XmlElement): void {
    this.#attributes(section, []);
    this.#children(section, Object.keys(groups), (child, name) => this.#group(child, name as Group));
  }

  #group(element: XmlElement, group: Group): void {
    this.#attributes(element, []);
    const rows = securityProperties.filter((row) => row.group === group);
    const { flag, library } = groups[group];
    const names = ["Library", ...rows.map((row) => row.element), ...(flag === undefined ? [] : [flag])];
    this.#children(element, names, (child, name) => {
      const row = rows.find((candidate) => candidate.element === name);
      if (row !== undefined) this.#property(child, row.property, row.secret);
      else if (name === "Library") this.#library(child, library);
      else this.#flag(child);
    });
  }

  #property(element: XmlElement, property: SecurityProperty, secret: boolean): void {
    if (secret) this.#plain(element);
    else {
      this.#attributes(element, []);
      this.#children(element, [], () => {}, true);
    }
    const written = element.text;
    const location = element.textLocation;
    const { value, findings } = expandText({ written, location, property, secret }, this.#lookup);
    this.#findings.add(...findings);
    if (findings.length > 0) this.broken.add(property);
    if (value === undefined || value === "") return;
    if (secret) {
      const literal = literalText(written).replaceAll(VARIABLE, "") !== "";
      this.password = { value: new Secret(value), literal, location };
    } else this.properties.set(property, { value, written, location });
  }

  /** A secret element holds text alone; what else was written into it may be a part of the secret. */
  #plain({ name, attributes: [attribute], children: [child] }: XmlElement): void {
    const first = attribute ?? child;
    if (first === undefined) return;
    const what = attribute === undefined ? "an element" : "an attribute";
    this.#invalid(`${what} is in <${name}>, which holds text only`, { location: first.location });
  }

  #library(element: XmlElement, setting: string): void {
    this.#children(element, [], () => {});
    for (const [name, attribute] of this.#attributes(element, Object.keys(libraryAttributes))) {
      const property = `${setting}.${libraryAttributes[name as keyof typeof libraryAttributes]}`;
      this.#setting(property, attribute.value, attribute.location);
    }
  }

  #flag(element: XmlElement): void {
    this.#attributes(element, []);
    this.#children(element, [], () => {}, true);
    const value = this.#setting(INCLUDE_OPTIONAL_FIELDS, element.text, element.textLocation);
    if (value !== undefined && !["", "true", "false"].includes(value)) {
      this.#invalid("IncludeOptionalFields is neither true nor false", { location: element.textLocation });
    }
  }

  #setting(property: string, written: string, location: XmlElement["location"]): string | undefined {
    const { value, findings } = expandText({ written, location, property, secret: false }, this.#lookup);
    this.#findings.add(...findings);
    if (value) this.settings.set(property, { value, written, location });
    return value;
  }

  /** Visits each child once under its proper name. `text` says whether the element itself holds a value. */
  #children(
    element: XmlElement,
    names: readonly string[],
    visit: (child: XmlElement, name: string) => void,
    text = false,
  ): void {
    if (!text && element.text !== "") {
      this.#invalid(`there is text in <${element.name}>, which holds elements only`, {
        location: element.textLocation,
      });
    }
    const seen = new Set<string>();
    for (const child of element.children) {
      const name = properName(child.name, names);
      if (name === undefined) this.#unknown("element", child.name, element, child.location, names);
      else if (seen.has(name)) {
        this.#invalid(`<${name}> stands twice in <${element.name}>; the first one counts`, {
          location: child.location,
          hint: "Remove one of the two.",
        });
      } else visit(child, name);
      if (name !== undefined) seen.add(name);
    }
  }

  #attributes(element: XmlElement, names: readonly string[]): Map<string, XmlElement["attributes"][number]> {
    const known = new Map<string, XmlElement["attributes"][number]>();
    for (const attribute of element.attributes) {
      const name = properName(attribute.name, names);
      if (name === undefined) this.#unknown("attribute", attribute.name, element, attribute.location, names);
      else known.set(name, attribute);
    }
    return known;
  }

  #unknown(
    what: "element" | "attribute",
    name: string,
    parent: XmlElement,
    location: XmlElement["location"],
    names: readonly string[],
  ): void {
    if (this.#findings.full) {
      this.#findings.count("error");
      return;
    }
    const shown = name.slice(0, 64);
    const candidates = nearest(shown, names);
    const hint = names.length === 0 ? "Remove it." : `There may be: ${names.join(", ")}.`;
    this.#invalid(`${what} ${shown} is unknown in <${parent.name}>`, { location, hint, candidates });
  }

  #invalid(message: string, extra: FindingDetails): void {
    this.#findings.add(finding("CONFIG_INVALID", "error", message, extra));
  }
}

const properName = (written: string, names: readonly string[]): string | undefined =>
  names.find((name) => name.toLowerCase() === written.toLowerCase());
