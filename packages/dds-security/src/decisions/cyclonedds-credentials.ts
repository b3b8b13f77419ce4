import type { Certificate, CredentialError, ErrorCode } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import { elementOf, type SecurityProperty } from "../configuration/properties.ts";
import { onProperty } from "../credentials/attempt.ts";
import type { DeploymentContext } from "../credentials/deployment.ts";
import { attempt, refusal } from "./cyclonedds-refusals.ts";
import { PeerRefusal } from "./peer-refusal.ts";
import { cycloneUri, type PeerUri } from "./peer-uri.ts";

/** A configuration as Cyclone DDS reads it, and what it is opened with. */
export interface CycloneSource {
  readonly configuration: Configuration;
  readonly context: DeploymentContext;
}

/** A property's value; empty where it is not set. */
export function valueOf({ configuration }: CycloneSource, property: SecurityProperty): string {
  return configuration.properties.get(property)?.value ?? "";
}

/** Does work on a property, given its value as Cyclone DDS reads URIs: undefined for a prefix that it does not know. */
export async function withUri<T>(
  source: CycloneSource,
  property: SecurityProperty,
  work: (uri: PeerUri | undefined) => Promise<T>,
): Promise<T> {
  return await onProperty(source.configuration, property, () => work(cycloneUri(valueOf(source, property))));
}

/** What Cyclone DDS says of a value that begins with none of its prefixes; how it is written, is ours. */
export function formatRefusal(property: SecurityProperty, peerCode: number, message: string): PeerRefusal {
  const hint = `Write ${elementOf(property)} as file:PATH, data:,TEXT or pkcs11:ATTRIBUTES, the prefix in small letters.`;
  return new PeerRefusal("URI_INVALID", message, { peerCode, hint });
}

/** The certificate that a URI names; of several the first alone is read. */
export async function readCertificate(
  { context }: CycloneSource,
  uri: PeerUri,
  refuse: (error: CredentialError) => PeerRefusal,
): Promise<Certificate> {
  const [first] = await attempt(() => context.resolver.certificates(uri.uri), refuse);
  if (first === undefined) throw refusal("PEM_NOT_FOUND", 200, "Failed to parse certificate");
  return first;
}

/** What Cyclone DDS calls a file that "could not be found, opened or is empty". */
export const NO_FILE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FILE_NOT_FOUND",
  "FILE_NOT_READABLE",
  "URI_INVALID",
]);
