import type { Configuration } from "../configuration/model.ts";
import { Access } from "./access.ts";
import { cyclonedds } from "./cyclonedds.ts";
import { defaultGovernance, defaultGrant } from "./cyclonedds-defaults.ts";
import { validateIdentity } from "./cyclonedds-identity.ts";
import { namesNoDocuments, validatePermissions } from "./cyclonedds-permissions.ts";
import type { OpenedAccess, OpeningContext } from "./opening.ts";

/**
 * Opens a configuration as Cyclone DDS does: what it reads, in its order, with its codes. What ddscred would refuse
 * and Cyclone DDS takes, passes.
 */
export async function openCyclone(
  configuration: Configuration,
  context: OpeningContext,
): Promise<OpenedAccess | Access> {
  const source = { configuration, context };
  const leaf = await validateIdentity(source);
  if (namesNoDocuments(source))
    return new Access(cyclonedds, defaultGovernance, defaultGrant, { id: context.domain, tag: "" });
  return await validatePermissions(source, leaf);
}
