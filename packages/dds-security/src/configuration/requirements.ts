import type { SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import type { LocatedValue } from "./model.ts";
import { type SecurityProperty, securityProperties } from "./properties.ts";

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
): Finding[] {
  const at = place === undefined ? {} : { location: place };
  const isSet = (property: SecurityProperty) => properties.has(property) || broken.has(property);
  const together = securityProperties.filter((row) => row.required === "together");
  const noneOfThem = !together.some((row) => isSet(row.property));
  const findings: Finding[] = [];
  for (const { property, group, element, required } of securityProperties) {
    if (required === "never" || isSet(property)) continue;
    const note = required === "together" && noneOfThem ? NO_ACCESS_CONTROL : "";
    findings.push(
      finding("PROPERTY_MISSING", "error", `${element} is missing (${property})${note}`, {
        property,
        ...at,
        hint: `Add <${element}> to <${group}>, or set ${property}.`,
      }),
    );
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

const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CA_DIRECTORY = "dds.sec.auth.trusted_ca_dir";
const NO_ACCESS_CONTROL =
  "; with none of the three, Cyclone DDS uses documents of its own that allow no topic";
