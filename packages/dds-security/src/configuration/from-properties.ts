import { nearest, Secret } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { Configuration, LocatedSecret, LocatedValue } from "./model.ts";
import { otherSettings, type SecurityProperty, securityProperties } from "./properties.ts";
import { judgeRequirements } from "./requirements.ts";

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
  const findings: Finding[] = [];
  const seen = new Set<string>();
  let password: LocatedSecret | undefined;
  for (const { name, value } of entries) {
    if (typeof name !== "string" || typeof value !== "string") {
      throw new TypeError("a property is a name and a value, both strings");
    }
    const row = NAMES.get(name.toLowerCase());
    const known = row?.property ?? otherSettings.find((setting) => setting === name);
    if (known === undefined) {
      findings.push(unknown(name));
      continue;
    }
    if (seen.has(known)) {
      findings.push(
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
    else if (row.secret) password = { value: new Secret(value) };
    else properties.set(row.property, { value, written: value });
  }
  findings.push(...judgeRequirements(properties, new Set(), undefined));
  const base = { form: "properties" as const, source, domain: undefined, properties, settings, findings };
  return password === undefined ? base : { ...base, password };
}

function unknown(name: string): Finding {
  const shown = name.slice(0, 100);
  const candidates = nearest(shown, [...ALL_NAMES, ...otherSettings]);
  const hint =
    candidates.length === 0
      ? `The names are ${securityProperties.map((row) => row.property).join(", ")}.`
      : `Did you mean ${candidates.join(" or ")}?`;
  return finding("CONFIG_INVALID", "error", `there is no property ${shown}`, { candidates, hint });
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
