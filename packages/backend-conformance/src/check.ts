import { ok } from "./assert.ts";
import { type BackendFixture, type Capability, capabilities } from "./fixture.ts";

/** One rule of the contract. */
export interface Check {
  /** The rule, as a sentence. */
  readonly name: string;
  /** What the rule is about, if not the mandatory methods. */
  readonly needs: Capability | undefined;
  readonly run: (fixture: BackendFixture) => Promise<void>;
}

export function check(name: string, run: Check["run"]): Check {
  return { name, needs: undefined, run };
}

/** A rule about a capability. For a backend that declares to lack it, the rule is that it lacks it. */
export function checkOf(needs: Capability, name: string, run: Check["run"]): Check {
  return { name, needs, run };
}

/** Runs a check on a fixture, then closes and releases the fixture, whatever happened. */
export async function runCheck({ needs, run }: Check, fixture: BackendFixture): Promise<void> {
  try {
    if (needs === undefined || fixture.supports[needs]) await run(fixture);
    else lacks(fixture, needs);
  } finally {
    await fixture.source.close();
    await fixture.release?.();
  }
}

/** A capability that is declared absent has no method and no URIs. */
export function lacks({ source, uris }: BackendFixture, capability: Capability): void {
  const { methods, uris: names } = capabilities[capability];
  for (const method of methods) {
    ok(!(method in source), `supports.${capability} is false, so the source has no ${method}()`);
  }
  for (const name of names) {
    ok(uris[name] === undefined, `supports.${capability} is false, so the fixture has no uris.${name}`);
  }
}

/** A capability that is declared has its methods and its URIs. */
export function has({ source, uris }: BackendFixture, capability: Capability): void {
  const { methods, uris: names } = capabilities[capability];
  for (const method of methods) {
    const found: unknown = Reflect.get(source, method);
    ok(typeof found === "function", `supports.${capability} is true, so the source has ${method}()`);
  }
  for (const name of names) {
    ok(uris[name] !== undefined, `supports.${capability} is true, so the fixture gives uris.${name}`);
  }
}
