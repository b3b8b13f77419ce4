// Deployments that stand beside the repository, with what implementations and the specification say of them.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Configuration, configurationFromProperties } from "@ddscred/dds-security";
import type { Test } from "tap";
import { root, temporaryFolder } from "./program.ts";

/** What an implementation answered. */
interface Observed {
  readonly ok: boolean;
  readonly step: string;
  readonly code?: number;
  readonly queries?: readonly { readonly q: string; readonly result: boolean; readonly code?: number }[];
  readonly participant_attributes?: Readonly<Record<string, number>>;
}

export interface RecordedDeployment {
  readonly id: string;
  readonly why: string;
  readonly domain: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly tz: string | null;
  readonly queries: readonly string[];
  readonly observed: { readonly cyclone: Observed; readonly fastdds: Observed };
  /** A map of queries, or of `check` alone; null where the specification does not decide. */
  readonly specVerdict: Readonly<Record<string, boolean>> | null;
}

const archive = join(root, "../shared/vectors/deployments.tar.gz");

/** Why they cannot be judged here; false where they can. */
export const lacksDeployments: string | false = existsSync(archive)
  ? false
  : "the vectors are not beside the repository";

/** Unpacks them for a test. */
export function unpackDeployments(t: Test): string {
  const folder = join(temporaryFolder(t), "deployments");
  execFileSync("tar", ["xzf", archive, "-C", join(folder, "..")]);
  return folder;
}

export function deploymentsIn(folder: string): readonly RecordedDeployment[] {
  return JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
}

export function configurationOf({ properties }: RecordedDeployment, folder: string): Configuration {
  const pem = readFileSync(join(folder, "ec/identity_ca.pem"), "utf8");
  const fill = (value: string) =>
    value.replaceAll("{abs}", folder).replace("{pem}", pem).replace("{pct}", encodeURIComponent(pem));
  const entries = Object.entries(properties).map(([name, value]) => {
    if (name === "password") return { name, value };
    return { name, value: value.startsWith("RAW ") ? fill(value.slice(4)) : `file:${join(folder, value)}` };
  });
  return configurationFromProperties(entries);
}
