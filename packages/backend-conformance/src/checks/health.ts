import type { CredentialSource, HealthFinding, HealthReport } from "@ddscred/core";
import { fails, ok } from "../assert.ts";
import { checkOf } from "../check.ts";
import { keyOf } from "../keys.ts";
import { latin1Bytes } from "../material/encoded.ts";
import { verifies } from "./sign.ts";

export const health = [
  checkOf(
    "health",
    "diagnose() gives findings that a person can read, in one line each",
    async ({ source }) => {
      const findings = await diagnose(source);
      ok(findings.length > 0, "there is a finding, if only that all is well");
      for (const { severity, message, hint = "" } of findings) {
        ok(["error", "warning", "info"].includes(severity), `${severity} is a severity`);
        ok(message.trim() !== "", "a finding has a message");
        for (const text of [message, hint]) ok(isOneLine(text), `no control characters in: ${message}`);
      }
    },
  ),

  checkOf("health", "diagnose() says what to do about each error and warning", async ({ source }) => {
    for (const { severity, message, hint = "" } of await diagnose(source)) {
      ok(severity === "info" || hint.trim() !== "", `there is a hint to: ${message}`);
    }
  }),

  checkOf("health", "diagnose() changes nothing: what signed before signs after it", async (fixture) => {
    const signer = await fixture.source.signer(keyOf(fixture).privateKey);
    await diagnose(fixture.source);
    await verifies(signer, latin1Bytes("signed after an examination"));
  }),

  checkOf("health", "diagnose() fails with CLOSED after close()", async ({ source }) => {
    await source.close();
    await fails(() => diagnose(source), "CLOSED", "after close()");
  }),
];

async function diagnose(source: CredentialSource): Promise<readonly HealthFinding[]> {
  return await (source as CredentialSource & HealthReport).diagnose();
}

const isOneLine = (text: string): boolean =>
  Array.from(text).every((character) => character >= " " && character !== "\u007f");
