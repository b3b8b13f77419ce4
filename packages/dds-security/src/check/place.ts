import type { SourceLocation } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";

/** Where a finding about a property is: its name, its URI and its place in the configuration. */
export function place(
  configuration: Configuration,
  property: SecurityProperty,
): { property: SecurityProperty; uri?: string; location?: SourceLocation } {
  const value = configuration.properties.get(property);
  if (value === undefined) return { property };
  const { location } = value;
  return { property, uri: value.value, ...(location === undefined ? {} : { location }) };
}
