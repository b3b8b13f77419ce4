import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { type Pkcs11BackendOptions, pkcs11Backend } from "@ddscred/backend-pkcs11";
import {
  type CredentialDescription,
  CredentialError,
  encodePem,
  type SignatureScheme,
  type Signer,
  signatureSchemes,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import t, { type Test } from "tap";
import { Pkcs11Backend } from "../dist/backend.js";
import type { SignRequest } from "../dist/cryptoki/module.js";
import { borrowModule } from "../dist/inline/registry.js";
import { quoted } from "../dist/token/names.js";
import { count, failure } from "./support/failure.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";
import { type CallLog, type Overrides, spiedModules } from "./support/spy.ts";
import { fillTokens, spki } from "./support/three-tokens.ts";

const { ca, ec, twins } = material;
const login = `?pin-value=${PIN}`;
const folder = skip === false ? new TokenFolder() : undefined;
if (folder !== undefined) {
  t.teardown(() => folder.remove());
  fillTokens(folder);
}

test("a token is named by label, serial number, or slot", async (t, { backend }) => {
  const source = backend();
  const [token] = await all(source, "pkcs11:token=objects");
  const { slot = "", serial = "" } = token?.details ?? {};
  for (const named of [`serial=${serial}`, `slot-id=${slot}`, `token=objects;model=SoftHSM%20v2`]) {
    t.equal((await source.certificates(`pkcs11:${named};object=ec`)).length, 1, named);
  }
});

test("a token that is not there is TOKEN_NOT_FOUND with the nearest labels", async (t, { backend }) => {
  const error = await failure(backend().certificates("pkcs11:token=object;object=ec"));
  t.match(error, { code: "TOKEN_NOT_FOUND", message: /"objects"/ });
  t.match(error.candidates?.[0], /^pkcs11:token=objects;manufacturer=.*;serial=/);
});

test("a URI that matches several tokens is TOKEN_AMBIGUOUS with a URI for each", async (t, { backend }) => {
  const source = backend();
  const error = await failure(source.certificates("pkcs11:object=ec"));
  t.equal(error.code, "TOKEN_AMBIGUOUS");
  t.equal(error.candidates?.length, 3);
  t.match(error.message, /^3 tokens match the URI: (?:(?:"empty"|"objects"|"other")(?:, |$)){3}$/);
  for (const candidate of error.candidates ?? []) t.equal((await all(source, candidate))[0]?.uri, candidate);
});

test("an object that is not there is OBJECT_NOT_FOUND with the nearest labels", async (t, { backend }) => {
  const error = await failure(backend().certificates("pkcs11:token=objects;object=rsb"));
  t.match(error, { code: "OBJECT_NOT_FOUND", message: /"rsa"/ });
  const key = await failure(backend().signer(`pkcs11:token=objects;object=p-383${login}`));
  t.match(key, { code: "OBJECT_NOT_FOUND", message: /"p-384"/ });
});

test("several objects are OBJECT_AMBIGUOUS with full URIs, each of which opens one", async (t, {
  backend,
}) => {
  const source = backend();
  const error = await failure(source.signer(`pkcs11:token=objects;object=twin${login}`));
  t.equal(error.code, "OBJECT_AMBIGUOUS");
  const keys = await Promise.all((error.candidates ?? []).map((uri) => source.signer(uri + login)));
  t.same(
    keys.map(({ publicKey }) => publicKey),
    twins.map(({ certificate: { der } }) => spki(der)),
  );
});

test("a label outside ASCII is found in each of its Unicode forms, stored in each", async (t, {
  backend,
}) => {
  const source = backend();
  for (const uri of [
    "object=schl%C3%BCssel-nfc",
    "object=schlu%CC%88ssel-nfc",
    "object=schl%C3%BCssel-nfd",
    "object=schlu%CC%88ssel-nfd",
  ]) {
    t.equal((await source.certificates(`pkcs11:token=objects;${uri}`)).length, 1, uri);
  }
});

test("certificates of one chain under one label come in order, whatever the order on the token", async (t, {
  backend,
}) => {
  const chain = await backend().certificates("pkcs11:token=objects;object=chain");
  t.same(
    chain.map(({ der }) => der),
    [ec.certificate.der, ca.certificate.der],
  );
});

test("a type= that contradicts what is wanted says so", async (t, { backend }) => {
  const source = backend();
  t.match(await failure(source.certificates("pkcs11:token=objects;object=ec;type=private")), {
    code: "OBJECT_NOT_FOUND",
    message: /type=private/,
  });
  t.equal(
    (await failure(source.signer(`pkcs11:token=objects;object=ec;type=cert${login}`))).code,
    "OBJECT_NOT_FOUND",
  );
});

test("a damaged certificate is an error that names the object", async (t, { backend }) => {
  const error = await failure(backend().certificates("pkcs11:token=objects;object=damaged"));
  t.match(error, { code: "DER_INVALID", uri: /object=damaged/ });
});

test("a damaged certificate among good ones is named by its label, id and place", async (t, { backend }) => {
  const error = await failure(backend().certificates("pkcs11:token=objects;object=half-damaged"));
  t.match(error, {
    code: "DER_INVALID",
    message: /"half-damaged" \(id 26\), one of 2 that match/,
    uri: /id=%26/,
  });
});

for (const name of ["ec", "p-384", "p-521", "rsa"]) {
  test(`a ${name} key signs in every scheme, verified by openssl`, async (t, { backend }) => {
    const signer = await backend().signer(`pkcs11:token=objects;object=${name}${login}`);
    t.ok(signer.schemes.length >= 3);
    for (const scheme of signer.schemes) {
      const message = Buffer.from(`a message for ${scheme.name}`);
      const signature = await signer.sign(scheme, message);
      t.ok(opensslVerifies(signer, scheme, message, signature), scheme.name);
    }
  });
}

test("where the raw mechanism is refused, the token hashes, and this is remembered", async (t, {
  backend,
  calls,
}) => {
  for (const refusal of [
    "CKR_MECHANISM_INVALID",
    "CKR_MECHANISM_PARAM_INVALID",
    "CKR_FUNCTION_NOT_SUPPORTED",
  ]) {
    calls.length = 0;
    const used: number[] = [];
    const override: Overrides = (real) => ({
      async sign(session, request) {
        used.push(request.mechanism.type);
        const raw = [0x1, 0xd, 0x1041].includes(request.mechanism.type);
        if (raw)
          throw new CredentialError("MECHANISM_UNSUPPORTED", "no", { rv: refusal, call: "C_SignInit" });
        return await real.sign(session, request);
      },
    });
    const signer = await backend({}, override).signer(`pkcs11:token=objects;object=rsa${login}`);
    for (const scheme of [signatureSchemes.rsa_pss_sha256, signatureSchemes.rsa_pkcs1_sha384]) {
      for (const text of ["first", "second"]) {
        const signature = await signer.sign(scheme, Buffer.from(text));
        t.ok(await nodeCrypto().verify(signer.publicKey, scheme, Buffer.from(text), signature));
      }
    }
    t.same(used, [0xd, 0x43, 0x43, 0x1, 0x41, 0x41], refusal);
  }
});

test("where the token pads in no way, RSA is padded here, verified by openssl", async (t, { backend }) => {
  const used = new Set<number>();
  const override: Overrides = (real) => ({
    async sign(session, request) {
      const { type } = request.mechanism;
      if (type !== 0x3)
        throw new CredentialError("MECHANISM_UNSUPPORTED", "no", {
          rv: "CKR_MECHANISM_INVALID",
          call: "C_SignInit",
        });
      used.add(type);
      return await real.sign(session, request);
    },
  });
  const signer = await backend({}, override).signer(`pkcs11:token=objects;object=rsa${login}`);
  for (const scheme of signer.schemes) {
    for (const text of ["first", "second"]) {
      const signature = await signer.sign(scheme, Buffer.from(text));
      t.ok(opensslVerifies(signer, scheme, Buffer.from(text), signature), scheme.name);
    }
  }
  t.same([...used], [0x3]);
});

test("a mechanism that the token gets wrong is TOKEN_ERROR, and no signature leaves", async (t, {
  backend,
}) => {
  const override: Overrides = (real) => ({
    async sign(session, request) {
      const signature = await real.sign(session, request);
      if (request.mechanism.pss !== undefined) signature.raw.fill(1, 0, 8);
      return signature;
    },
  });
  const signer = await backend({}, override).signer(`pkcs11:token=objects;object=rsa${login}`);
  t.ok(await signer.sign(signatureSchemes.rsa_pkcs1_sha256, Buffer.from("message")));
  for (const _ of [1, 2]) {
    const error = await failure(signer.sign(signatureSchemes.rsa_pss_sha256, Buffer.from("message")));
    t.match(error, { code: "TOKEN_ERROR", call: "C_Sign", message: /does not verify/ });
  }
});

test("where every mechanism is refused, it is MECHANISM_UNSUPPORTED with the return value", async (t, {
  backend,
}) => {
  const override: Overrides = () => ({
    async sign() {
      throw new CredentialError("MECHANISM_UNSUPPORTED", "no", {
        rv: "CKR_MECHANISM_INVALID",
        call: "C_SignInit",
      });
    },
  });
  const signer = await backend({}, override).signer(`pkcs11:token=objects;object=ec${login}`);
  t.match(await failure(signer.sign(signatureSchemes.ecdsa_p256_sha256, Buffer.alloc(1))), {
    code: "MECHANISM_UNSUPPORTED",
    rv: "CKR_MECHANISM_INVALID",
    call: "C_SignInit",
  });
});

test("200 signatures at once verify, over no more than five sessions", async (t, { backend, calls }) => {
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  const signer = await backend().signer(`pkcs11:token=objects;object=ec${login}`);
  const messages = Array.from({ length: 200 }, (_, n) => Buffer.from(`message ${n}`));
  const signatures = await Promise.all(messages.map((message) => signer.sign(scheme, message)));
  for (const [n, message] of messages.entries()) {
    const signature = signatures[n] ?? new Uint8Array();
    t.ok(await nodeCrypto().verify(signer.publicKey, scheme, message, signature));
  }
  t.ok(count(calls, "openSession") <= 5);
});

test("the event loop goes on while thousands of signatures are made", async (t, { backend }) => {
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  const signer = await backend().signer(`pkcs11:token=objects;object=ec${login}`);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  for (let n = 0; n < 2000; n++) await signer.sign(scheme, Buffer.alloc(8));
  clearInterval(ticking);
  t.ok(ticks >= 10, `${ticks} ticks`);
});

test("a message that changes after the call is signed as it was", async (t, { backend }) => {
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  const signer = await backend().signer(`pkcs11:token=objects;object=ec${login}`);
  for (const _ of [1, 2]) {
    const message = Buffer.from("as it was");
    const signing = signer.sign(scheme, message);
    message.fill(0);
    t.ok(await nodeCrypto().verify(signer.publicKey, scheme, Buffer.from("as it was"), await signing));
  }
});

test("a message that changes while its signature waits for a turn, or is verified, is signed as it was", async (t) => {
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  await using source = pkcs11Backend({ module, isolation: "inline" });
  const signer = await source.signer(`pkcs11:token=objects;object=ec${login}`);
  for (let n = 0; n < 200; n++) await signer.sign(scheme, Buffer.from(String(n)));
  for (const isLate of [false, true, false]) {
    await sleep(20); // the handle has to be proven again
    const others = [];
    if (isLate) {
      const began = performance.now();
      while (performance.now() - began < 10) others.push(signer.sign(scheme, Buffer.from("other")));
    }
    const message = Buffer.from("as it was");
    const signing = signer.sign(scheme, message);
    message.fill(0);
    t.ok(await nodeCrypto().verify(signer.publicKey, scheme, Buffer.from("as it was"), await signing));
    await Promise.all(others);
  }
});

test("a key whose public half nothing tells is taken with the one expected of it", async (t, { backend }) => {
  const source = backend();
  const open = async (certificate: Uint8Array) =>
    await source.signer(`pkcs11:token=objects;object=alone${login}`, { publicKey: spki(certificate) });
  const signer = await open(ec.certificate.der);
  const message = Buffer.from("message");
  const signature = await signer.sign(signatureSchemes.ecdsa_p256_sha256, message);
  t.ok(opensslVerifies(signer, signatureSchemes.ecdsa_p256_sha256, message, signature));

  const other = await open(twins[0].certificate.der);
  const refused = await failure(other.sign(signatureSchemes.ecdsa_p256_sha256, message));
  t.equal(refused.code, "KEY_MISMATCH", "the first signature proves it");
  const rsa = await failure(open(material.rsa.certificate.der));
  t.match(rsa, { code: "KEY_MISMATCH", message: /is no RSA 2048 key/ });
  const none = await failure(source.signer(`pkcs11:token=objects;object=alone${login}`));
  t.equal(none.code, "OBJECT_NOT_FOUND", "nothing is kept of what was expected");
});

test("the public key comes from a public key object, raw or wrapped, or from a certificate, with the same id", async (t, {
  backend,
}) => {
  const source = backend();
  for (const label of ["with-point", "with-wrapped-point", "with-certificate"]) {
    t.same(
      (await source.signer(`pkcs11:token=objects;object=${label}${login}`)).publicKey,
      spki(ec.certificate.der),
      label,
    );
  }
  const error = await failure(source.signer(`pkcs11:token=objects;object=alone${login}`));
  t.match(error, { code: "OBJECT_NOT_FOUND", hint: /certificate.*public key.*same id/ });
});

test("a key whose id pairs it with a stranger's certificate signs nothing: KEY_MISMATCH", async (t, {
  backend,
}) => {
  const signer = await backend().signer(`pkcs11:token=objects;object=mispaired${login}`);
  for (const _ of [1, 2]) {
    const error = await failure(signer.sign(signatureSchemes.ecdsa_p256_sha256, Buffer.from("message")));
    t.equal(error.code, "KEY_MISMATCH");
  }
});

test("a handle of an earlier epoch is not used: what signs is looked up again and proven again", async (t, {
  backend,
  calls,
}) => {
  // As after a restart of a module: the number of the key's handle now names another key.
  let lost = false;
  let stranger: SignRequest["key"] | undefined;
  const override: Overrides = (real) => ({
    async sign(session, request) {
      if (lost) {
        lost = false;
        throw new CredentialError("SESSION_LOST", "gone", {
          rv: "CKR_OBJECT_HANDLE_INVALID",
          call: "C_SignInit",
        });
      }
      return await real.sign(session, stranger === undefined ? request : { ...request, key: stranger });
    },
  });
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  const source = backend({}, override);
  const signer = await source.signer(`pkcs11:token=objects;object=ec${login}`);
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  const searches = count(calls, "find");
  lost = true;
  t.ok(await signer.sign(scheme, Buffer.from("message")), "the key is found again");
  t.ok(count(calls, "find") > searches);
  stranger = await handleOf("twin");
  lost = true;
  t.equal((await failure(signer.sign(scheme, Buffer.from("message")))).code, "KEY_MISMATCH");
});

test("a session in which a signature failed is replaced", async (t, { backend, calls }) => {
  let failing = false;
  const override: Overrides = (real) => ({
    async sign(session, request) {
      // C_SignInit succeeds, C_Sign does not: without a new session, CKR_OPERATION_ACTIVE for ever.
      if (failing) return await real.sign(session, { ...request, input: Buffer.alloc(100_000) });
      return await real.sign(session, request);
    },
  });
  const signer = await backend({}, override).signer(`pkcs11:token=objects;object=rsa${login}`);
  const scheme = signatureSchemes.rsa_pkcs1_sha256;
  await signer.sign(scheme, Buffer.from("message"));
  failing = true;
  for (let n = 0; n < 8; n++)
    t.match((await failure(signer.sign(scheme, Buffer.from("message")))).rv, /^CKR_/);
  failing = false;
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  t.ok(count(calls, "closeSession") >= 8);
});

test("keys that DDS cannot use are refused by name", async (t, { backend }) => {
  const source = backend();
  t.match(await failure(source.signer(`pkcs11:token=objects;object=rsa-1024${login}`)), {
    code: "KEY_UNSUPPORTED",
    message: /RSA 1024/,
  });
  t.match(await failure(source.signer(`pkcs11:token=objects;object=secp256k1${login}`)), {
    code: "KEY_UNSUPPORTED",
    message: /1\.3\.132\.0\.10/,
  });
  t.match(await failure(source.signer(`pkcs11:token=objects;object=no-sign${login}`)), {
    code: "MECHANISM_UNSUPPORTED",
    message: /CKA_SIGN/,
  });
});

test("a signer says whether its key can leave the token", async (t, { backend }) => {
  const source = backend();
  t.equal((await source.signer(`pkcs11:token=objects;object=ec${login}`)).extractable, false);
  t.equal((await source.signer(`pkcs11:token=objects;object=extractable${login}`)).extractable, true);
});

test("list() describes tokens and objects, with URIs that name exactly one", async (t, { backend }) => {
  const source = backend();
  const found = await all(source, `pkcs11:token=objects${login}`);
  t.match(find(found, "token", "objects"), { details: { pin: "ready", model: "SoftHSM v2" } });
  t.match(find(found, "certificate", "rsa"), {
    details: { subject: /CN=/, issuer: /CN=/, key: "RSA 2048", expires: "2046-01-01T00:00:00.000Z" },
  });
  t.match(find(found, "private-key", "p-384"), {
    details: { key: "EC P-384", sensitive: "yes", extractable: "no" },
  });
  t.match(find(found, "secret-key", "secret"), { details: { bits: "256" } });
  t.ok(find(found, "data", "data"));
  t.ok(find(found, "public-key", "with-point"));
  t.match(find(found, "certificate", "damaged"), { details: { damaged: /./ } });
  t.notMatch(JSON.stringify(found), new RegExp(PIN));
});

test("list() says of a URI that it names other objects too", async (t, { backend }) => {
  const found = await all(backend(), "pkcs11:token=objects");
  const same = found.filter(({ details }) => details["ambiguous"] !== undefined);
  t.same(
    same.map(({ label }) => label),
    ["latin \u{FFFD}", "latin \u{FFFD}", "same-label"],
  );
  const certificates = found.filter(({ kind }) => kind === "certificate").length;
  t.match(same[0], {
    uri: /^pkcs11:token=objects;serial=\w+;type=cert$/,
    details: { ambiguous: `the URI names ${certificates} objects` },
  });
  t.match(same[2], { details: { ambiguous: "the URI names 2 objects" } });
});

test("list() without a PIN shows what is public, and says of the token that more is hidden", async (t, {
  backend,
}) => {
  const found = await all(backend(), "pkcs11:token=objects");
  t.match(find(found, "token", "objects"), { details: { hidden: /private objects/ } });
  t.ok(find(found, "certificate", "ec"));
  t.notOk(found.some(({ kind }) => kind === "private-key"));
});

t.test(
  "what a token calls itself stands quoted in messages, without control characters, and not too long",
  async (t) => {
    t.equal(quoted('a"b\u001b[31m\r\n'), '"a\\"b\\u001b[31m\\r\\n"');
    t.ok(quoted("x".repeat(1000)).length < 100);
  },
);

test("list() of everything shows every initialised token", async (t, { backend }) => {
  const tokens = (await all(backend(), "pkcs11:")).filter(({ kind }) => kind === "token");
  t.same(tokens.map(({ label }) => label).toSorted(), ["empty", "objects", "other"]);
});

interface Tools {
  /** A backend on spied modules; it is closed when the test ends. */
  backend(options?: Pkcs11BackendOptions, overrides?: Overrides): Pkcs11Backend;
  readonly calls: CallLog;
}

function test(name: string, body: (t: Test, tools: Tools) => Promise<void>): void {
  t.test(name, skip === false ? {} : { skip }, async (t) => {
    const calls: CallLog = [];
    const backend: Tools["backend"] = (options = {}, overrides) => {
      const made = new Pkcs11Backend({ module, ...options }, spiedModules(calls, overrides));
      t.teardown(() => made.close());
      return made;
    };
    await body(t, { calls, backend });
  });
}

async function all(source: Pkcs11Backend, uri: string): Promise<CredentialDescription[]> {
  const found: CredentialDescription[] = [];
  for await (const description of source.list(uri)) found.push(description);
  return found;
}

function find(
  found: readonly CredentialDescription[],
  kind: CredentialDescription["kind"],
  label: string,
): CredentialDescription | undefined {
  return found.find((one) => one.kind === kind && one.label === label);
}

/** The handle of a private key, as the module that all backends of this process share gives it. */
async function handleOf(label: string): Promise<Uint8Array> {
  const { module: shared, release } = await borrowModule(module);
  const slot = (await shared.slots()).find(({ token }) => token.label === "objects");
  const session = await shared.openSession(slot?.id ?? 0n);
  const [handle] = await shared.find(session, { CKA_CLASS: 3, CKA_LABEL: Buffer.from(label) });
  await shared.closeSession(session);
  await release();
  return handle ?? new Uint8Array();
}

/** What openssl says of a signature, by the public key that the signer states. */
function opensslVerifies(
  { publicKey }: Signer,
  { hash, padding, saltLength }: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const digest = hash.replace("-", "").toLowerCase();
  const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", `rsa_pss_saltlen:${saltLength}`];
  const key = folder?.file("key.pem", encodePem("PUBLIC KEY", publicKey)) ?? "";
  const signed = folder?.file("message", message) ?? "";
  const given = folder?.file("signature", signature) ?? "";
  const options = padding === "pss" ? pss : [];
  const output = execFileSync("openssl", [
    "dgst",
    `-${digest}`,
    "-verify",
    key,
    ...options,
    "-signature",
    given,
    signed,
  ]);
  return output.toString().includes("Verified OK");
}
