import type { Secret, SourceLocation } from "@ddscred/core";
import type { Finding } from "../finding.ts";
import type { SecurityProperty } from "./properties.ts";

/** What a participant was told about its credentials, whatever form that was written in. */
export interface Configuration {
  readonly form: ConfigurationForm;
  /** How to call it: the file, or what else it came from. */
  readonly source: string;
  /** The file it was read from: relative URIs may start at its folder. */
  readonly file?: string;
  /** The domain it is for; `any` for every domain; undefined where the form does not say. */
  readonly domain: "any" | number | undefined;
  /** The values that are set, without the password; an empty value is not set. */
  readonly properties: ReadonlyMap<SecurityProperty, LocatedValue>;
  readonly password?: LocatedSecret;
  /** Settings that name no credential: libraries of plugins and the like, by their DDS names. */
  readonly settings: ReadonlyMap<string, LocatedValue>;
  /** What reading it found. */
  readonly findings: readonly Finding[];
}

/** What it was written as: a file of Cyclone DDS, a profile of Fast DDS, an enclave of SROS 2, or bare properties. */
export type ConfigurationForm = "cyclonedds" | "fastdds" | "sros2" | "properties";

export interface LocatedValue {
  /** With variables expanded. It may hold a PIN: show it through redactUri. */
  readonly value: string;
  /** As it stands in the file. */
  readonly written: string;
  readonly location?: SourceLocation;
}

export interface LocatedSecret {
  readonly value: Secret;
  /** Whether any of it stands in the file itself, instead of coming from variables. */
  readonly literal: boolean;
  readonly location?: SourceLocation;
}
