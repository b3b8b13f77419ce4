import { CredentialError, type SourceLocation } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { DeploymentContext } from "./deployment.ts";

/**
 * How one step of opening ends when it fails: the policy of the caller. {@link failFast} throws; `check`
 * notes the error as a finding of the property and goes on with what does not depend on it.
 */
export type Attempt = <T>(property: SecurityProperty, work: () => Promise<T> | T) => Promise<T | undefined>;

export const failFast: Attempt = async (_property, work) => await work();

/** Does work on a property; an error tells whose value it is about. */
export async function onProperty<T>(
  { properties }: Configuration,
  property: SecurityProperty,
  work: () => Promise<T> | T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    const { value: uri, location } = properties.get(property) ?? {};
    const told = error.uri !== undefined || uri === undefined ? error : error.with({ uri });
    throw noteConcern(told, { property, ...(location && { location }) });
  }
}

/** The property of a configuration that an error is about, and its place there. */
export interface Concern {
  readonly property: string;
  readonly location?: SourceLocation;
}

/** What is known of an error that opening a configuration threw; undefined where it is about no single property. */
export function concernOf(error: CredentialError): Concern | undefined {
  return concerns.get(error);
}

/** Notes what an error is about, unless that is known already. */
export function noteConcern(error: CredentialError, concern: Concern): CredentialError {
  if (!concerns.has(error)) concerns.set(error, concern);
  return error;
}

const concerns = new WeakMap<CredentialError, Concern>();

/** What every step of opening has at hand. */
export interface Opening {
  readonly configuration: Configuration;
  readonly context: DeploymentContext;
  readonly attempt: Attempt;
}

/** The value of a property that must be set. `PROPERTY_MISSING` */
export function requiredUri({ configuration }: Opening, property: SecurityProperty): string {
  const value = configuration.properties.get(property);
  if (value !== undefined) return value.value;
  throw new CredentialError("PROPERTY_MISSING", `${property} is not set`);
}
