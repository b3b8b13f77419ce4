import { CredentialError, type Resolver, uriScheme } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/** What users other than the owner may do with a file. */
export interface FileExposure {
  readonly readableByOthers?: boolean;
  /** Who may change a file may put other credentials into it. */
  readonly writableByOthers?: boolean;
}

/** Who may read the file that a `file:` URI names; undefined where that cannot be said. */
export type ExposureOf = (uri: string) => Promise<FileExposure | undefined>;

/** What other users may do, in words; undefined where they may do nothing. */
export function exposedTo({ readableByOthers, writableByOthers }: FileExposure): string | undefined {
  if (readableByOthers === true) return "read";
  return writableByOthers === true ? "change" : undefined;
}

/** Whether others may read the file of a private key that no passphrase protects. */
export async function judgeKeyFile(
  configuration: Configuration,
  deployment: Deployment,
  { exposure, resolver }: { readonly exposure?: ExposureOf; readonly resolver: Resolver },
): Promise<Finding[]> {
  const key = configuration.properties.get(PRIVATE_KEY);
  if (key === undefined || deployment.privateKey === undefined || exposure === undefined) return [];
  if (uriScheme(key.value) !== "file") return [];
  const exposed = exposedTo((await exposure(key.value)) ?? {});
  if (exposed === undefined || (await needsPassphrase(configuration, key.value, resolver))) return [];
  return [
    finding(
      "KEY_EXPOSED",
      "warning",
      `other users may ${exposed} the file of the private key`,
      place(configuration, PRIVATE_KEY),
    ),
  ];
}

/** A passphrase may be given for a key that is not encrypted: opening it without tells. */
async function needsPassphrase(
  { password }: Configuration,
  uri: string,
  resolver: Resolver,
): Promise<boolean> {
  if (password === undefined) return false;
  try {
    await resolver.signer(uri);
    return false;
  } catch (error) {
    if (error instanceof CredentialError) return true;
    throw error;
  }
}

const PRIVATE_KEY = "dds.sec.auth.private_key";
