import type { AccessRule } from "../documents/permissions.ts";
import type { EndpointRequest } from "./decision.ts";
import { type AccessAction, type Dialect, partitionsOf } from "./dialect.ts";

/** Why a rule for the domain did not decide, in a few words. */
export function whyNot(
  dialect: Dialect,
  rule: AccessRule,
  action: AccessAction,
  request: EndpointRequest,
): string {
  const { topic } = request;
  const steps = dialect.steps(rule, action);
  if (steps.length === 0) return `it says nothing of ${action}`;
  const matching = steps.filter(({ topics }) => topics.some((expression) => expression.matches(topic)));
  if (matching.length === 0) return `no ${action} topic of it matches "${clip(topic)}"`;
  const partitions = partitionsOf(request).map((name) => `"${clip(name)}"`);
  const listed = matching.some((step) => step.tags === undefined);
  return listed
    ? `its partitions do not fit ${partitions.slice(0, 5).join(", ")}`
    : "its partitions or data tags do not fit";
}

const clip = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text);
