import { nearest, Secret } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import { FindingList } from "../finding-list.ts";
import type { Configuration, LocatedSecret, LocatedValue } from "./model.ts";
import { otherSettings, type SecurityProperty, securityProperties } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";
import { shownProperty } from "./shown.ts";

/** One property of a participant, under any of the names that {@link configurationFromProperties} knows. */
export interface PropertyEntry {
  readonly name: string;
  readonly value: string;
}

/**
 * The configuration that a list of properties makes, as in the QoS of a participant. A property may go by its
 * DDS name, by that name's last part (`identity_ca`), by the element of Cyclone DDS (`IdentityCA`) or by the
 * name of Fast DDS. Nothing is expanded: variables belong to the XML of Cyclone DDS. Of a property given
 * twice the first counts, as in Cyclone DDS.
 *
 * @throws TypeError where an entry is not a pair of strings
 */
export function configurationFromProperties(
  entries: readonly PropertyEntry[],
  source = "properties",
): Configuration {
  const properties = new Map<SecurityProperty, LocatedValue>();
  const settings = new Map<string, LocatedValue>();
  const list = new FindingList();
  const seen = new Set<string>();
  let password: LocatedSecret | undefined;
  for (const { name, value } of entries) {
    if (typeof name !== "string" || typeof value !== "string") {
      throw new TypeError("a property is a name and a value, both strings");
    }
    const row = NAMES.get(name.toLowerCase());
    const known = row?.property ?? otherSettings.find((setting) => setting === name);
    if (known === undefined) {
      if (list.full) list.count("error");
      else list.add(unknown(name));
      continue;
    }
    if (seen.has(known)) {
      list.add(
        finding("CONFIG_INVALID", "error", `${known} is given twice; the first one counts`, {
          property: known,
          hint: "Remove one of the two.",
        }),
      );
      continue;
    }
    seen.add(known);
    if (value === "") continue;
    if (row === undefined) settings.set(known, { value, written: value });
    else if (row.secret) password = { value: new Secret(value), literal: true };
    else properties.set(row.property, { value, written: value });
  }
  list.keep(...judgeRequirements(properties, new Set(), undefined));
  const findings = list.all();
  const base = { form: "properties" as const, source, domain: undefined, properties, settings, findings };
  return password === undefined ? base : { ...base, password };
}

function unknown(name: string): Finding {
  const shown = shownProperty(name);
  const candidates = shown === undefined ? [] : nearest(shown, [...ALL_NAMES, ...otherSettings]);
  const hint =
    candidates.length === 0
      ? `The names are ${securityProperties.map((row) => row.property).join(", ")}.`
      : `Did you mean ${candidates.join(" or ")}?`;
  const message =
    shown === undefined ? "what is given as the name of a property is none" : `there is no property ${shown}`;
  return finding("CONFIG_INVALID", "error", message, { candidates, hint });
}

const namesOf = (row: (typeof securityProperties)[number]): readonly string[] => [
  row.property,
  row.property.slice(row.property.lastIndexOf(".") + 1),
  row.element,
  ...("fastdds" in row ? [row.fastdds] : []),
];

const ALL_NAMES = securityProperties.flatMap(namesOf);
const NAMES = new Map(
  securityProperties.flatMap((row) => namesOf(row).map((name) => [name.toLowerCase(), row] as const)),
);
