import { type CallOptions, isCredentialDirectory, isDocumentSource, isRevocationSource } from "@ddscred/core";
import { credentialError, equal, fails, given, ok, thrownBy } from "../assert.ts";
import { check } from "../check.ts";
import type { BackendFixture } from "../fixture.ts";
import { keyOf } from "../keys.ts";
import { latin1Bytes } from "../material/encoded.ts";
import { Switch } from "../switch.ts";
import { verifies } from "./sign.ts";

const message = latin1Bytes("signed unless aborted");

export const abort = [
  check("a signal that is aborted already ends every call with ABORTED", async (fixture) => {
    const signal = new Switch();
    signal.abort();
    for (const [name, call] of await calls(fixture)) {
      await fails(() => call({ signal }), "ABORTED", name);
    }
  }),

  check("aborting while a call runs ends it with ABORTED, or it ends well", async (fixture) => {
    for (const [name, call] of await calls(fixture)) {
      const signal = new Switch();
      const running = thrownBy(() => call({ signal }));
      await Promise.resolve();
      signal.abort();
      const error = await running;
      if (error !== undefined) equal(credentialError(error, name).code, "ABORTED", name);
    }
    await verifies(await fixture.source.signer(keyOf(fixture).privateKey), message);
  }),

  check("a call that has ended leaves no listener on its signal", async (fixture) => {
    for (const [name, call] of await calls(fixture)) {
      const signal = new Switch();
      await call({ signal });
      equal(signal.listeners.size, 0, `${name}: listeners left`);
    }
  }),
];

type Call = (options: CallOptions) => Promise<unknown>;

/** Every call that takes a signal. */
async function calls(fixture: BackendFixture): Promise<[name: string, call: Call][]> {
  const { source, uris } = fixture;
  const { certificate, privateKey } = keyOf(fixture);
  const key = await source.signer(privateKey);
  const [scheme] = key.schemes;
  ok(scheme !== undefined, "a signer can do at least one scheme");
  const list: [string, Call][] = [
    ["certificates()", (options) => source.certificates(certificate, options)],
    ["signer()", (options) => source.signer(privateKey, options)],
    ["sign()", (options) => key.sign(scheme, message, options)],
  ];
  if (isDocumentSource(source)) {
    const uri = given(uris.document, "uris.document");
    list.push(["document()", (options) => source.document(uri, options)]);
  }
  if (isRevocationSource(source)) {
    const uri = given(uris.revocationList, "uris.revocationList");
    list.push(["revocationLists()", (options) => source.revocationLists(uri, options)]);
  }
  if (isCredentialDirectory(source)) {
    const uri = given(uris.everything, "uris.everything");
    list.push([
      "list()",
      async (options) => {
        for await (const _ of source.list(uri, options)) continue;
      },
    ]);
  }
  return list;
}
