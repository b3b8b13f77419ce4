import { equal, ok } from "../assert.ts";
import { check, has, lacks } from "../check.ts";
import { type Capability, capabilities } from "../fixture.ts";

export const names = [
  check("the name is short, lower case and without blanks", async ({ source }) => {
    ok(/^[a-z][a-z0-9-]{0,31}$/.test(source.name), `the name is ${JSON.stringify(source.name)}`);
  }),

  check(
    "the schemes are schemes of RFC 3986 3.1, in lower case and without the colon",
    async ({ source }) => {
      ok(source.schemes.length > 0, "a source answers at least one scheme");
      for (const scheme of source.schemes) {
        ok(/^[a-z][a-z0-9+.-]*$/.test(scheme), `${JSON.stringify(scheme)} is no scheme`);
      }
      equal(new Set(source.schemes).size, source.schemes.length, "each scheme is named once");
    },
  ),

  check("what the fixture declares in supports is what the source has", async (fixture) => {
    const { ecKeys, rsaKeys } = fixture.supports;
    ok(ecKeys || rsaKeys, "a store holds EC keys or RSA keys");
    for (const capability of Object.keys(capabilities) as Capability[]) {
      equal(typeof fixture.supports[capability], "boolean", `supports.${capability} is declared`);
      if (fixture.supports[capability]) has(fixture, capability);
      else lacks(fixture, capability);
    }
  }),

  check("making a source opens nothing: it can be closed at once", async ({ source }) => {
    await source.close();
  }),
];
