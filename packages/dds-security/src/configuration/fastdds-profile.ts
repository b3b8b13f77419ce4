import { nearest, Secret, type SourceLocation } from "@ddscred/core";
import { finding } from "../finding.ts";
import { FindingList } from "../finding-list.ts";
import type { Configuration, LocatedSecret, LocatedValue } from "./model.ts";
import { otherSettings, type PropertyRow, type SecurityProperty, securityProperties } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";
import { shownProperty } from "./shown.ts";

/** One property element of a profile. */
export interface PropertyElement {
  readonly name: string;
  readonly value: string;
  readonly location: SourceLocation;
  readonly valueLocation: SourceLocation;
}

/** What the dds.sec. properties of one participant profile say. */
export function readProfile(elements: readonly PropertyElement[], place: SourceLocation): ProfileValues {
  return new ProfileReader().read(elements, place);
}

type ProfileValues = Pick<Configuration, "properties" | "settings" | "password" | "findings">;

class ProfileReader {
  readonly #properties = new Map<SecurityProperty, LocatedValue>();
  readonly #settings = new Map<string, LocatedValue>();
  readonly #findings = new FindingList();
  readonly #broken = new Set<string>();
  #password: LocatedSecret | undefined;

  read(elements: readonly PropertyElement[], place: SourceLocation): ProfileValues {
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
