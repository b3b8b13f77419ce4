import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";
import { type Binding, loadBinding, type NativeModule } from "../dist/inline/binding.js";
import { InlineModule } from "../dist/inline/inline-module.js";
import { moduleFile } from "../dist/inline/module-file.js";
import { nativeError } from "../dist/inline/native-error.js";
import { borrowModule } from "../dist/inline/registry.js";
import { failure } from "./support/failure.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";

const { ec } = material;
const scheme = signatureSchemes.ecdsa_p256_sha256;
const folder = skip === false ? new TokenFolder() : undefined;
const onSoftHsm = skip === false ? {} : { skip };
if (folder !== undefined) {
  t.teardown(() => folder.remove());
  folder.add("module", [
    privateKeyObject(ec.privateKey.der, { label: "key", id: "01" }),
    certificateObject(ec.certificate.der, { label: "certificate", id: "01" }),
  ]);
}
const key = `pkcs11:token=module;object=key?pin-value=${PIN}`;
const certificate = "pkcs11:token=module;object=certificate";

t.test("without pkcs11js, the error names the package and the command", async (t) => {
  const absent = async (): Promise<unknown> => {
    throw Object.assign(new Error("Cannot find package 'pkcs11js'"), { code: "ERR_MODULE_NOT_FOUND" });
  };
  const error = await failure(loadBinding(absent));
  t.match(error, { code: "BINDING_UNAVAILABLE", message: /pkcs11js/, hint: /npm install pkcs11js/ });
});

t.test("without a module, a URI is MODULE_REQUIRED", async (t) => {
  t.equal((await failure(pkcs11Backend().certificates("pkcs11:token=a"))).code, "MODULE_REQUIRED");
});

t.test("what is no PKCS#11 module is told apart, and nothing crashes afterwards", onSoftHsm, async (t) => {
  const text = folder?.file("text.so", "no library") ?? "";
  const damaged = folder?.file("damaged.so", Buffer.from("7f454c4600000000", "hex")) ?? "";
  for (const [path, code] of [
    ["/nonexistent/module.so", "MODULE_NOT_FOUND"],
    ["/etc/passwd/module.so", "MODULE_NOT_FOUND"],
    ["", "MODULE_NOT_FOUND"],
    ["a\0b", "MODULE_NOT_FOUND"],
    [folder?.path ?? "", "MODULE_NOT_PKCS11"],
    ["/dev/null", "MODULE_NOT_PKCS11"],
    [text, "MODULE_NOT_PKCS11"],
    [damaged, "MODULE_NOT_LOADABLE"],
    ...libc.map((path) => [path, "MODULE_NOT_PKCS11"] as const),
  ] as const) {
    const backend = pkcs11Backend({ module: path, isolation: "inline" });
    for (const _ of [1, 2]) t.equal((await failure(backend.certificates(certificate))).code, code, path);
    await backend.close();
  }
  const half = folder?.file("half.so", readFileSync(module).subarray(0, 5000)) ?? "";
  t.throws(() => moduleFile(half), { code: "MODULE_NOT_LOADABLE", message: /half\.so is cut off/ });
  const error = await failure(
    pkcs11Backend({ module: damaged, isolation: "inline" }).certificates(certificate),
  );
  t.match(error.message, /damaged\.so/, "the linker's own words are kept");
});

t.test("module-path of the URI names the module; module-name must fit it", onSoftHsm, async (t) => {
  const link = join(folder?.path ?? "", "libother.so");
  symlinkSync(module, link);
  const read = async (options: object, query: string): Promise<string> => {
    const backend = pkcs11Backend({ isolation: "inline", ...options });
    try {
      return String((await backend.certificates(`${certificate}?${query}`)).length);
    } catch (error) {
      return (error as CredentialError).code;
    } finally {
      await backend.close();
    }
  };
  t.equal(await read({}, `module-path=${module}`), "1");
  t.equal(await read({ module: "/nonexistent.so" }, `module-path=${module}`), "MODULE_REFUSED");
  t.equal(await read({ module }, `module-path=${link}`), "1");
  t.equal(await read({ module }, "module-name=softhsm2"), "1");
  t.equal(await read({ module: link }, "module-name=SoftHSM2"), "1");
  t.equal(await read({ module }, "module-name=opensc-pkcs11"), "MODULE_REQUIRED");
  t.equal(await read({}, "module-name=softhsm2"), "MODULE_REQUIRED");
  t.equal(await read({}, `module-path=${module}&module-name=opensc-pkcs11`), "MODULE_REQUIRED");
  const closed = { module, allowModuleFromUri: false };
  t.equal(await read(closed, `module-path=${module}`), "1");
  t.equal(await read(closed, `module-path=${link}`), "1");
  t.equal(await read(closed, "module-path=/nonexistent.so"), "MODULE_REFUSED");
  t.equal(await read({ allowModuleFromUri: false }, `module-path=${module}`), "MODULE_REQUIRED");
  const listed = { allowedModules: ["/nonexistent.so", module] };
  t.equal(await read(listed, `module-path=${module}`), "1");
  t.equal(await read(listed, `module-path=${link}`), "1", "the same file by another path");
  t.equal(await read({ allowedModules: [link] }, `module-path=${module}`), "1");
  t.equal(await read({ allowedModules: ["/nonexistent.so"] }, `module-path=${module}`), "MODULE_REFUSED");
  t.equal(await read({ module, allowedModules: [] }, "module-name=softhsm2"), "MODULE_REFUSED");
  t.throws(() => pkcs11Backend({ allowedModules: ["softhsm2.so"] }), TypeError, "only whole paths");
});

t.test("a URI cannot put its own module in the place of the one configured", async (t) => {
  const backend = pkcs11Backend({ module: "/usr/lib/configured.so" });
  const error = await failure(backend.certificates(`${certificate}?module-path=/tmp/evil.so`));
  t.match(error, { code: "MODULE_REFUSED", message: /\/tmp\/evil\.so.*\/usr\/lib\/configured\.so/ });
});

t.test(
  "a module that somebody else may write to is refused, and the place is named",
  onSoftHsm,
  async (t) => {
    const copy = (path: string): string => {
      const file = join(folder?.path ?? "", path, "libcopy.so");
      mkdirSync(join(folder?.path ?? "", path), { recursive: true });
      copyFileSync(module, file);
      chmodSync(file, 0o644);
      return file;
    };
    const refused = async (file: string, place: string): Promise<void> => {
      for (const [options, uri] of [
        [{ module: file }, certificate],
        [{}, `${certificate}?module-path=${file}`],
      ] as const) {
        const error = await failure(pkcs11Backend({ isolation: "inline", ...options }).certificates(uri));
        t.equal(error.code, "MODULE_REFUSED", uri);
        t.ok(error.message.includes(place), error.message);
      }
    };
    t.equal(moduleFile(module), realpathSync(module), "as it was installed");
    const good = copy("good");
    t.equal(moduleFile(good), realpathSync(good), "of one's own, in a sticky folder for all");

    const writable = copy("writable");
    for (const mode of [0o664, 0o646, 0o1666]) {
      chmodSync(writable, mode);
      await refused(writable, writable);
    }
    const link = join(folder?.path ?? "", "link.so");
    symlinkSync(writable, link);
    await refused(link, writable);

    const links = join(folder?.path ?? "", "links");
    mkdirSync(links);
    const exchanged = join(links, "link.so");
    symlinkSync(good, exchanged);
    t.equal(moduleFile(exchanged), realpathSync(good));
    chmodSync(links, 0o777);
    await refused(exchanged, `the folder ${links}`);

    const below = copy("folder/below");
    const above = join(folder?.path ?? "", "folder");
    for (const mode of [0o777, 0o775]) {
      chmodSync(above, mode);
      await refused(below, `the folder ${above}`);
    }
    chmodSync(above, 0o1777);
    t.equal(moduleFile(below), realpathSync(below), "in a sticky folder");

    if (process.getuid?.() !== 0) return;
    chownSync(good, 1, 0);
    await refused(good, good);
    chownSync(good, 0, 0);
    chownSync(above, 1, 0);
    chmodSync(above, 0o755);
    await refused(below, `the folder ${above}`);
  },
);

t.test("a URI in the place of a module's path is not shown with its PIN", async (t) => {
  for (const path of [`pkcs11:token=X?pin-value=${PIN}`, `/usr/lib/x.so?pin-value=${PIN}`]) {
    const error = await failure(
      pkcs11Backend({ module: path, isolation: "inline" }).certificates(certificate),
    );
    t.equal(error.code, "MODULE_NOT_FOUND");
    t.notMatch(JSON.stringify(error), new RegExp(PIN));
  }
});

t.test(
  "two backends share a module; closing one, in any order, leaves the other working",
  onSoftHsm,
  async (t) => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const backends = [
        pkcs11Backend({ module, isolation: "inline" }),
        pkcs11Backend({ module, isolation: "inline" }),
      ] as const;
      const signers = await Promise.all(backends.map((backend) => backend.signer(key)));
      const [first, last] = order;
      await backends[first].close();
      t.equal((await failure(signers[first]?.sign(scheme, Buffer.from("a")))).code, "CLOSED");
      const signature = await signers[last]?.sign(scheme, Buffer.from("a"));
      t.ok(signature, "the other still signs");
      t.equal((await backends[last].certificates(certificate)).length, 1);
      await backends[last].close();
    }
    const again = pkcs11Backend({ module, isolation: "inline" });
    t.ok(await again.signer(key), "and the module can be opened again");
    await again.close();
  },
);

t.test("closing while signatures are under way waits for them", onSoftHsm, async (t) => {
  const backend = pkcs11Backend({ module, isolation: "inline" });
  const signer = await backend.signer(key);
  const message = Buffer.from("under way");
  const signing = Array.from({ length: 50 }, () => signer.sign(scheme, message));
  await backend.close();
  for (const signature of await Promise.all(signing)) {
    t.ok(await webCrypto().verify(signer.publicKey, scheme, message, signature));
  }
});

t.test("a module that was initialised by others is used, and never finalised by us", async (t) => {
  const calls: string[] = [];
  const adopted = inline({
    C_Initialize: () => {
      calls.push("C_Initialize");
      throw ckr("CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x191);
    },
    C_Finalize: () => calls.push("C_Finalize"),
  });
  adopted.initialise();
  await adopted.finalise();
  t.same(calls, ["C_Initialize"]);
  const own = inline({
    C_Initialize: (options) => calls.push(JSON.stringify(options)),
    C_Finalize: () => calls.push("C_Finalize"),
  });
  own.initialise();
  await own.finalise();
  t.same(calls.slice(1), ['{"flags":2}', "C_Finalize"], "always with CKF_OS_LOCKING_OK");
});

t.test(
  "library parameters reach the module whole, though the binding loses the last character",
  async (t) => {
    const given: unknown[] = [];
    const started = inline({ C_Initialize: (options) => given.push(options) }, "configDir='a' flags=");
    started.initialise();
    t.same(given, [{ flags: 2, libraryParameters: "configDir='a' flags=\0" }]);
    await started.finalise().catch(() => undefined);
  },
);

t.test("a module that fails to start is MODULE_FAILED with the name of the return value", async (t) => {
  const failing = inline({
    C_Initialize: () => {
      throw ckr("CKR_HOST_MEMORY", 2);
    },
  });
  t.match(
    thrown(() => failing.initialise()),
    {
      code: "MODULE_FAILED",
      message: /C_Initialize: CKR_HOST_MEMORY/,
      rv: "CKR_HOST_MEMORY",
      call: "C_Initialize",
    },
  );
});

t.test("each start of a module is a new epoch", onSoftHsm, async (t) => {
  const first = await borrowModule(module);
  const { epoch } = first.module;
  await first.release();
  const second = await borrowModule(module);
  t.ok(second.module.epoch > epoch);
  await second.release();
});

t.test("finalising waits for signatures on other threads, whose buffers are kept", async (t) => {
  const order: string[] = [];
  const { busy, signing, end } = signingElsewhere(order);
  const finalising = busy.finalise();
  await new Promise((resolve) => setImmediate(resolve));
  order.push("C_Sign");
  end();
  await Promise.all([signing, finalising]);
  t.same(order, ["C_Sign", "C_Finalize"]);
});

t.test("a module is not started anew under a signature on another thread", async (t) => {
  const calls: string[] = [];
  const { busy, signing, end } = signingElsewhere(calls);
  await busy.restart(busy.epoch);
  t.same(calls, []);
  end();
  await signing;
  await busy.restart(busy.epoch);
  t.same(calls, ["C_Finalize"], "but after it");
  await busy.finalise();
});

t.test(
  "a module that others initialised, before us or since, is not finalised to start it anew",
  async (t) => {
    const calls: string[] = [];
    let others = true;
    const shared = inline({
      C_Initialize: () => {
        if (others) throw ckr("CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x191);
      },
      C_Finalize: () => calls.push("C_Finalize"),
      C_DigestInit: () => undefined,
      C_DigestUpdate: () => {
        if (others) throw ckr("CKR_OPERATION_NOT_INITIALIZED", 0x91);
        return Buffer.alloc(0);
      },
      C_SignInit: () => undefined,
      C_Sign: (_, __, output, done) => {
        if (done !== undefined) setImmediate(() => done(null, output));
        return output;
      },
    });
    shared.initialise();
    await shared.restart(shared.epoch);
    await shared.finalise();
    t.same(calls, [], "before");
    others = false;
    shared.initialise();
    const watch = Buffer.alloc(8);
    t.ok(await shared.watch(watch));
    others = true;
    const request = {
      mechanism: { type: 0x1041 },
      key: Buffer.alloc(8),
      input: Buffer.alloc(32),
      length: 64,
    };
    const { epoch } = shared;
    for (let n = 0; n < 50 && shared.epoch === epoch; n++)
      await shared.sign(Buffer.alloc(8), { ...request, watch });
    t.ok(shared.epoch > epoch, "which the watch shows");
    await shared.finalise();
    t.same(calls, [], "since");
  },
);

t.test("what others in the process use is neither started anew nor logged out by one of them", async (t) => {
  const calls: string[] = [];
  const make = (): InlineModule =>
    inline({ C_Finalize: () => calls.push("C_Finalize"), C_Logout: () => calls.push("C_Logout") });
  const [one, other] = [make(), make()];
  one.initialise();
  other.initialise();
  await one.logout(Buffer.alloc(8));
  await one.restart(one.epoch);
  await other.finalise();
  t.same(calls, []);
  await one.logout(Buffer.alloc(8));
  await one.restart(one.epoch);
  t.same(calls, ["C_Logout", "C_Finalize"], "but where it is alone");
  await one.finalise();
});

t.test("a signature is not taken to be watched where its watch was ended", async (t) => {
  const watched = inline({
    C_DigestInit: () => undefined,
    C_DigestUpdate: () => Buffer.alloc(0),
    C_DigestFinal: () => Buffer.alloc(32),
    C_SignInit: () => undefined,
    C_Sign: (_, __, output, done) => {
      if (done !== undefined) setImmediate(() => done(null, output));
      return output;
    },
  });
  const watch = Buffer.alloc(8);
  t.ok(await watched.watch(watch));
  const request = { mechanism: { type: 0x1041 }, key: Buffer.alloc(8), input: Buffer.alloc(32), length: 64 };
  const some = async (): Promise<boolean> => {
    for (let n = 0; n < 20; n++)
      if ((await watched.sign(Buffer.alloc(8), { ...request, watch })).isWatched) return true;
    return false;
  };
  t.ok(await some());
  await watched.unwatch(watch);
  t.notOk(await some());
});

t.test("a slot list that grows while it is read is read again, a bounded number of times", async (t) => {
  let growing = 3;
  const slots = inline({
    C_GetSlotList: () => {
      if (growing-- > 0) throw ckr("CKR_BUFFER_TOO_SMALL", 0x150);
      return [];
    },
  });
  t.same(await slots.slots(), []);
  growing = 1000;
  t.match(await failure(slots.slots()), { rv: "CKR_BUFFER_TOO_SMALL", call: "C_GetSlotList" });
  t.equal(growing, 995);
});

t.test("a broken slot does not hide the others; tokens without initialisation are none", async (t) => {
  const handle = (slot: number): Buffer => Buffer.from([slot, 0, 0, 0, 0, 0, 0, 0]);
  const slots = inline({
    C_GetSlotList: () => [1, 2, 3].map(handle),
    C_GetSlotInfo: (slot) => {
      if (slot[0] === 1) throw ckr("CKR_DEVICE_ERROR", 0x30);
      return { slotDescription: "slot   \0", manufacturerID: "" };
    },
    C_GetTokenInfo: (slot) => ({
      ...tokenInfo,
      label: `token ${slot[0]}   `,
      flags: slot[0] === 2 ? 0 : 0x400,
    }),
  });
  t.match(await slots.slots(), [
    { id: 3n, info: { slotDescription: "slot" }, token: { label: "token 3", maxSessions: undefined } },
  ]);
});

t.test("attributes are asked for one by one: one that is withheld or malformed costs no other", async (t) => {
  const values: Record<number, () => Buffer> = {
    0x3: () => Buffer.from("label"),
    0x11: () => {
      throw ckr("CKR_ATTRIBUTE_SENSITIVE", 0x11);
    },
    0x102: () => {
      throw ckr("CKR_ATTRIBUTE_TYPE_INVALID", 0x12);
    },
    0x100: () => Buffer.from("03", "hex"),
    0x108: () => {
      throw new TypeError("Attribute 0x00000108 has wrong length");
    },
  };
  const object = inline({
    C_GetAttributeValue: (_, __, types) =>
      types.map(({ type }) => ({ value: values[type]?.() ?? Buffer.alloc(0) })),
  });
  const said = await object.attributes(Buffer.alloc(8), Buffer.alloc(8), [
    "CKA_LABEL",
    "CKA_VALUE",
    "CKA_ID",
    "CKA_KEY_TYPE",
    "CKA_SIGN",
  ]);
  t.same(said, { CKA_LABEL: new Uint8Array(Buffer.from("label")) });
});

t.test("a template with a value of a wrong type never reaches the native binding", async (t) => {
  let reached = false;
  const spy = inline({ C_FindObjectsInit: () => (reached = true) });
  for (const template of [
    { CKA_CLASS: 3n },
    { CKA_LABEL: "text" },
    { CKA_SIGN: 1 },
    { CKA_CLASS: -1 },
    { CKA_BOGUS: 1 },
  ]) {
    await t.rejects(spy.find(Buffer.alloc(8), template as never), TypeError);
  }
  t.notOk(reached);
});

t.test("every error of the binding becomes one of ours, by its number", async (t) => {
  t.match(nativeError("C_Login", ckr("CKR_PIN_INCORRECT", 0xa0)), {
    code: "PIN_INCORRECT",
    rv: "CKR_PIN_INCORRECT",
    call: "C_Login",
  });
  t.match(nativeError("C_FindObjects", new Error("CKR_OPERATION_NOT_INITIALIZED:145\n    at x")), {
    rv: "CKR_OPERATION_NOT_INITIALIZED",
  });
  t.match(nativeError("C_Sign", ckr("CKR_VENDOR_DEFINED", 0x140)), { rv: "CKR_CURVE_NOT_SUPPORTED" });
  t.match(nativeError("C_Sign", ckr("CKR_VENDOR_DEFINED", 0x8000_0001)), {
    rv: "CKR_VENDOR_DEFINED_0x80000001",
  });
  t.match(nativeError("C_Sign", new Error("odd")), { code: "INTERNAL", call: "C_Sign" });
});

t.test("a find always ends with C_FindObjectsFinal, and has a bound", async (t) => {
  const calls: string[] = [];
  const endless = inline({
    C_FindObjectsInit: () => undefined,
    C_FindObjects: (_, count) => Array.from({ length: count }, () => Buffer.alloc(8)),
    C_FindObjectsFinal: () => calls.push("final"),
  });
  t.match(await failure(endless.find(Buffer.alloc(8), {})), { code: "TOKEN_ERROR", call: "C_FindObjects" });
  t.same(calls, ["final"]);
});

/** A module with a signature under way on another thread, until that is ended. */
function signingElsewhere(calls: string[]) {
  let done: ((error: Error | null, signature: Buffer) => void) | undefined;
  const busy = inline({
    C_Finalize: () => calls.push("C_Finalize"),
    C_SignInit: () => undefined,
    C_Sign: (...args) => {
      done = args[3];
    },
  });
  busy.initialise();
  const request = { mechanism: { type: 0x1041 }, key: Buffer.alloc(8), input: Buffer.alloc(32), length: 64 };
  const signing = busy.sign(Buffer.alloc(8), request);
  return { busy, signing, end: () => done?.(null, Buffer.alloc(64)) };
}

/** A module in this process over a native binding of the test's own. */
function inline(
  native: { [N in keyof NativeModule]?: (...args: Parameters<NativeModule[N]>) => unknown },
  parameters?: string,
): InlineModule {
  const methods = { load: () => undefined, C_Initialize: () => undefined, ...native };
  function PKCS11() {
    return methods;
  }
  return new InlineModule({ PKCS11, CK_PARAMS_RSA_PSS: 5 } as unknown as Binding, "/test.so", parameters);
}

/** As pkcs11js makes them. */
function ckr(name: string, code: number): Error {
  return Object.assign(new Error(name), { name: "Pkcs11Error", code, method: "" });
}

function thrown(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

const tokenInfo = {
  manufacturerID: "",
  model: "",
  serialNumber: "",
  maxSessionCount: 4294967295,
};

/** A library that is no PKCS#11 module, where Linux has it. */
const libc = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
].filter((path) => existsSync(path));
