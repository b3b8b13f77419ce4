import { CredentialError } from "@ddscred/core";
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
    const uri = properties.get(property)?.value;
    if (!(error instanceof CredentialError) || error.uri !== undefined || uri === undefined) throw error;
    throw error.with({ uri });
  }
}

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
