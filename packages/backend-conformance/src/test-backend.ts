import { type Check, runCheck } from "./check.ts";
import { allChecks } from "./checks/all.ts";
import type { BackendFactory } from "./fixture.ts";

/** As much of a test runner as the suite uses: `node:test`, tap, vitest, mocha (`{ test: it }`) and others. */
export interface TestRunner {
  test(name: string, body: () => Promise<void>): unknown;
}

/**
 * Registers the contract of a backend as tests, one for each rule, with any test runner.
 *
 * Each test calls the factory for a fixture of its own and closes it. What a backend cannot do, its fixture
 * declares in `supports`; nothing can be skipped from here.
 *
 * @returns when the runner says that the tests ended; a runner that only collects them says so at once
 */
export async function testBackend(runner: TestRunner, factory: BackendFactory): Promise<void> {
  if (typeof runner?.test !== "function") throw new TypeError("testBackend wants { test } of a test runner");
  if (typeof factory !== "function") throw new TypeError("testBackend wants a factory of fixtures");
  const started = allChecks.map((check) => runner.test(check.name, () => run(check, factory)));
  await Promise.all(started);
}

async function run(check: Check, factory: BackendFactory): Promise<void> {
  await runCheck(check, await factory());
}
