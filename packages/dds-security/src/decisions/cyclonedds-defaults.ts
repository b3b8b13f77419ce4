import type { SourceLocation } from "@ddscred/core";
import type { GovernanceModel } from "../documents/governance.ts";
import type { Grant } from "../documents/permissions.ts";

/**
 * What holds for Cyclone DDS where a configuration names no permissions CA, no governance and no permissions: all is
 * encrypted and nothing is controlled, so that a grant that denies all denies nothing.
 */
const location: SourceLocation = { file: "default of Cyclone DDS", line: 1, column: 1 };
const located = <T>(value: T) => ({ value, location });
const allDomains = { location, ranges: [{ min: 0, max: 230, location }], tags: [] };

export const defaultGovernance: GovernanceModel = {
  domainRules: [
    {
      location,
      domains: allDomains,
      allowUnauthenticatedParticipants: located(false),
      enableJoinAccessControl: located(false),
      discoveryProtectionKind: located("ENCRYPT"),
      livelinessProtectionKind: located("ENCRYPT"),
      rtpsProtectionKind: located("NONE"),
      topicRules: [
        {
          location,
          topicExpression: located("*"),
          enableDiscoveryProtection: located(true),
          enableLivelinessProtection: located(true),
          enableReadAccessControl: located(false),
          enableWriteAccessControl: located(false),
          metadataProtectionKind: located("ENCRYPT"),
          dataProtectionKind: located("ENCRYPT"),
        },
      ],
    },
  ],
  extensions: [],
};

const time = (text: string) => ({ value: new Date(text), text, zone: true, location });

export const defaultGrant: Grant = {
  location,
  name: "default",
  subject: { text: "", pattern: false, location },
  validity: { location, notBefore: time("1970-01-01T00:00:00Z"), notAfter: time("2262-01-01T00:00:00Z") },
  rules: [],
  defaultAction: { value: "DENY", location },
};
