import type { CredentialSource, HealthReport } from "@ddscred/core";
import { ok } from "../assert.ts";
import { checkOf } from "../check.ts";

export const health = [
  checkOf("health", "diagnose() gives findings that a person can read", async ({ source }) => {
    for (const { severity, message } of await (source as CredentialSource & HealthReport).diagnose()) {
      ok(["error", "warning", "info"].includes(severity), `${severity} is a severity`);
      ok(message.trim() !== "", "a finding has a message");
    }
  }),
];
