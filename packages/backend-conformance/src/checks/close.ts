import {
  isCredentialDirectory,
  isCredentialWriter,
  isDocumentSource,
  isKeyGenerator,
  isRevocationSource,
  type Signer,
} from "@ddscred/core";
import { credentialError, equal, fails, ok, thrownBy } from "../assert.ts";
import { check } from "../check.ts";
import { keyOf, keysOf, materialOf } from "../keys.ts";
import { latin1Bytes } from "../material/encoded.ts";
import { collect } from "./directory.ts";
import { keyTypeOf } from "./provisioning.ts";
import { verifies } from "./sign.ts";

const message = latin1Bytes("signed before or after close");

export const close = [
  check("after close() every call of the source fails with CLOSED", async (fixture) => {
    const { source, uris } = fixture;
    const { certificate, privateKey } = keyOf(fixture);
    await source.certificates(certificate);
    await source.close();
    await fails(() => source.certificates(certificate), "CLOSED", "certificates()");
    await fails(() => source.signer(privateKey), "CLOSED", "signer()");
    const { document = "", revocationList = "", everything = "" } = uris;
    if (isDocumentSource(source)) await fails(() => source.document(document), "CLOSED", "document()");
    if (isRevocationSource(source)) {
      await fails(() => source.revocationLists(revocationList), "CLOSED", "revocationLists()");
    }
    if (isCredentialDirectory(source)) await fails(() => collect(source, everything), "CLOSED", "list()");
    const { newKey = "", newCertificate = "" } = uris;
    if (isKeyGenerator(source)) {
      const keyType = keyTypeOf(fixture);
      await fails(() => source.generateKeyPair(newKey, { keyType }), "CLOSED", "generateKeyPair()");
    }
    if (isCredentialWriter(source)) {
      const { der } = materialOf(fixture).ca.certificate;
      await fails(() => source.importCertificate(newCertificate, der), "CLOSED", "importCertificate()");
      await fails(() => source.remove(newCertificate), "CLOSED", "remove()");
    }
  }),

  check("after close() a signer of the source fails with CLOSED", async (fixture) => {
    const { source } = fixture;
    const { privateKey } = keyOf(fixture);
    const key = await source.signer(privateKey);
    await verifies(key, message);
    await source.close();
    await fails(() => signWith(key), "CLOSED", "sign()");
  }),

  check("close() may be called again, also at the same time", async (fixture) => {
    const { source } = fixture;
    const { certificate } = keyOf(fixture);
    await source.certificates(certificate);
    await Promise.all([source.close(), source.close()]);
    await source.close();
  }),

  check("`await using` closes: Symbol.asyncDispose is close()", async (fixture) => {
    const { source } = fixture;
    const { certificate } = keyOf(fixture);
    await source.certificates(certificate);
    await source[Symbol.asyncDispose]();
    await fails(() => source.certificates(certificate), "CLOSED", "certificates()");
  }),

  check("close() while calls run waits for them; each ends well or with CLOSED", async (fixture) => {
    const { source } = fixture;
    const { certificate, privateKey } = keyOf(fixture);
    const key = await source.signer(privateKey);
    const calls = [
      ...Array.from({ length: 8 }, () => signWith(key)),
      source.certificates(certificate),
      ...keysOf(fixture).map((other) => source.signer(other.privateKey)),
    ];
    let ended = 0;
    const outcomes = calls.map(async (call) => {
      const error = await thrownBy(() => call);
      ended += 1;
      if (error === undefined) return;
      equal(credentialError(error, "a call under way").code, "CLOSED", "a call under way at close()");
    });
    await source.close();
    await microtasks();
    equal(ended, calls.length, "calls under way that ended before close() did");
    await Promise.all(outcomes);
  }),
];

async function signWith(key: Signer): Promise<Uint8Array> {
  const [scheme] = key.schemes;
  ok(scheme !== undefined, "a signer can do at least one scheme");
  return key.sign(scheme, message);
}

/** Lets promises that are settled already reach those who wait for them. */
async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}
