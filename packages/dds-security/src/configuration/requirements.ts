import type { SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { LocatedValue } from "./model.ts";
import { type PropertyRow, type SecurityProperty, securityProperties } from "./properties.ts";

/**
 * Which properties must be there and which exclude each other (DDS-Security 9.3.1 and 9.4.1, and Cyclone DDS
 * for CRL and TrustedCADirectory).
 *
 * @param place where the section begins, for what is not in it
 * @param broken properties that are there but could not be read: they are not missing
 */
export function judgeRequirements(
  properties: ReadonlyMap<SecurityProperty, LocatedValue>,
  broken: ReadonlySet<string>,
  place: SourceLocation | undefined,
  wording: RequirementWording = cycloneWording,
): Finding[] {
  const at = place === undefined ? {} : { location: place };
  const isSet = (property: SecurityProperty) => properties.has(property) || broken.has(property);
  const together = securityProperties.filter((row) => row.required === "together");
  const noneOfThem = !together.some((row) => isSet(row.property));
  const findings: Finding[] = [];
  for (const row of securityProperties) {
    const { property, required } = row;
    if (required === "never" || isSet(property)) continue;
    const note = required === "together" && noneOfThem ? (wording.noAccessControl ?? "") : "";
    const { message, hint } = wording.missing(row);
    findings.push(finding("PROPERTY_MISSING", "error", `${message}${note}`, { property, ...at, hint }));
  }
  const crl = properties.get(CRL);
  if (crl !== undefined && properties.has(TRUSTED_CA_DIRECTORY)) {
    findings.push(
      finding("PROPERTY_CONFLICT", "error", "CRL and TrustedCADirectory exclude each other", {
        property: CRL,
        ...(crl.location === undefined ? {} : { location: crl.location }),
        peers: ["cyclonedds"],
      }),
    );
  }
  return findings;
}

/** How one form of configuration calls what is missing, and what it does without. */
export interface RequirementWording {
  missing(row: PropertyRow): { readonly message: string; readonly hint: string };
  readonly noAccessControl?: string;
}

const cycloneWording: RequirementWording = {
  missing: ({ element, group, property }) => ({
    message: `${element} is missing (${property})`,
    hint: `Add <${element}> to <${group}>, or set ${property}.`,
  }),
  noAccessControl: "; with none of the three, Cyclone DDS uses documents of its own that allow no topic",
};

const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CA_DIRECTORY = "dds.sec.auth.trusted_ca_dir";
