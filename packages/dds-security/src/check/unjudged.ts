import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { type Finding, finding } from "../finding.ts";

const unjudged: readonly (readonly [SecurityProperty, string])[] = [
  ["org.eclipse.cyclonedds.sec.auth.crl", "whether a certificate is revoked is not judged yet"],
  ["dds.sec.auth.trusted_ca_dir", "whether the identity CA is in the trusted directory is not judged yet"],
];

/** What the configuration restricts and this version does not evaluate: it must not pass for good. */
export function judgeUnjudged(configuration: Configuration): Finding[] {
  return unjudged.flatMap(([property, message]) => {
    const value = configuration.properties.get(property);
    if (value === undefined) return [];
    const { location } = value;
    const hint = "Everything else is judged; check this by hand, or check the configuration without it.";
    return [finding("UNSUPPORTED", "error", message, { property, hint, ...(location && { location }) })];
  });
}
