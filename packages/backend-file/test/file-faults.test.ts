import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBackend } from "@ddscred/backend-file";
import { CredentialError } from "@ddscred/core";
import t from "tap";

const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const source = fileBackend({ bases: [folder] });

/** Reads the path in every way; all must fail alike, and soon. */
async function faultOf(path: string): Promise<CredentialError> {
  const uri = `file:${path}`;
  const begin = performance.now();
  const calls = [
    source.certificates(uri),
    source.signer(uri),
    source.document(uri),
    source.revocationLists(uri),
  ];
  const [first, ...others] = (await Promise.allSettled(calls)).map((result) =>
    result.status === "rejected" && result.reason instanceof CredentialError ? result.reason : undefined,
  );
  if (first === undefined) throw new Error(`${path} can be read`);
  if (others.some((other) => other?.code !== first.code)) throw new Error(`${path} fails in several ways`);
  if (performance.now() - begin > 20_000) throw new Error(`${path} is waited for`);
  if (first.uri !== uri) throw new Error("the error has not the uri");
  return first;
}

await t.test(
  "a file that is not there is FILE_NOT_FOUND with its absolute path and near names",
  async (t) => {
    writeFileSync(at("identity_ca.pem"), "x");
    writeFileSync(at("100%.pem"), "x");
    const error = await faultOf("identity-ca.pem");
    t.equal(error.code, "FILE_NOT_FOUND");
    t.ok(error.message.includes(at("identity-ca.pem")));
    t.match(error.message, /identity_ca\.pem/);
    t.equal(error.candidates?.[0], `file:${at("identity_ca.pem")}`);
    t.strictSame(
      (await faultOf("100.pem")).candidates,
      [`file:${at("100%25.pem")}`],
      "a candidate is a URI that reads back",
    );
    t.match(await faultOf("no-folder/x.pem"), { code: "FILE_NOT_FOUND", message: /no directory/ });
  },
);

await t.test("at most three near names are given, also from a crowded folder", async (t) => {
  mkdirSync(at("crowd"));
  for (let index = 0; index < 1500; index += 1) writeFileSync(at(`crowd/file${index}`), "");
  t.equal((await faultOf("crowd/file")).candidates?.length, 3);
});

await t.test(
  "a path through a file, a dangling link, a circle of links and an endless name are FILE_NOT_FOUND",
  async (t) => {
    symlinkSync("nowhere.pem", at("dangling.pem"));
    symlinkSync("circle.pem", at("circle.pem"));
    const expected: Record<string, RegExp> = {
      "identity_ca.pem/x": /no directory/,
      "dangling.pem": /symbolic link to nowhere\.pem/,
      "circle.pem": /circle/,
      [`${"a".repeat(300)}.pem`]: /longer than/,
    };
    for (const [path, message] of Object.entries(expected)) {
      t.match(await faultOf(path), { code: "FILE_NOT_FOUND", message });
    }
  },
);

await t.test("a link to a file is that file", async (t) => {
  symlinkSync("identity_ca.pem", at("link.pem"));
  t.same(await source.document("file:link.pem"), Buffer.from("x"));
});

await t.test(
  "file://name.pem is a relative path; where it is not there, the hint says how to write it",
  async (t) => {
    t.match(await faultOf("//certs/nowhere.pem"), { code: "FILE_NOT_FOUND", hint: /file:relative\/path/ });
  },
);

await t.test("NUL in a path is URI_INVALID", async (t) => {
  t.equal((await faultOf("a%00b")).code, "URI_INVALID");
  t.equal((await faultOf("a\0b")).code, "URI_INVALID");
});

await t.test("a directory, a pipe, a socket and a device are FILE_NOT_REGULAR, at once", async (t) => {
  mkdirSync(at("directory"));
  t.match(await faultOf("directory"), { code: "FILE_NOT_REGULAR", message: /is a directory/ });
  execFileSync("mkfifo", [at("pipe")]);
  t.match(await faultOf("pipe"), { code: "FILE_NOT_REGULAR", message: /pipe/ });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
  t.match(await faultOf("socket"), { code: "FILE_NOT_REGULAR", message: /socket/ });
  server.close();
  for (const device of ["/dev/zero", "/dev/null", "/dev/tty"].filter((path) => existsSync(path))) {
    t.match(await faultOf(device), { code: "FILE_NOT_REGULAR", message: /device/ });
  }
});

await t.test("an empty file is FILE_EMPTY", async (t) => {
  writeFileSync(at("empty.pem"), "");
  t.equal((await faultOf("empty.pem")).code, "FILE_EMPTY");
});

await t.test("a file beyond the limit is FILE_TOO_LARGE without being read", async (t) => {
  writeFileSync(at("large"), "");
  truncateSync(at("large"), 2 ** 30);
  t.match(await faultOf("large"), { code: "FILE_TOO_LARGE", message: /1073741824 bytes/ });
});

await t.test("certificates, keys and CRLs may have 1 MiB, documents 16 MiB", async (t) => {
  const sized = (name: string, size: number) => {
    writeFileSync(at(name), "");
    truncateSync(at(name), size);
    return `file:${name}`;
  };
  const code = async (call: Promise<unknown>) =>
    await call.then(
      () => "read",
      (error: CredentialError) => error.code,
    );
  t.equal(await code(source.certificates(sized("mib", 2 ** 20))), "PEM_NOT_FOUND");
  t.equal(await code(source.certificates(sized("mib+", 2 ** 20 + 1))), "FILE_TOO_LARGE");
  t.equal(await code(source.document("file:mib+")), "read");
  t.equal((await source.document(sized("16mib", 2 ** 24))).length, 2 ** 24);
  t.equal(await code(source.document(sized("16mib+", 2 ** 24 + 1))), "FILE_TOO_LARGE");
});

const GROWN = "/proc/kallsyms";
const notGrown = existsSync(GROWN) ? false : `needs ${GROWN}, whose size is 0 and whose content is not`;

await t.test(
  "a file that holds more than its size says is read to its end, or to the limit",
  { skip: notGrown },
  async (t) => {
    t.match(Buffer.from(await source.document("file:/proc/version")).toString(), /Linux/);
    t.match(await source.certificates(`file:${GROWN}`).catch((error: unknown) => error), {
      code: "FILE_TOO_LARGE",
    });
  },
);

await t.test("a file that this user may not read is FILE_NOT_READABLE, with mode and owner", async (t) => {
  const open = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(open, { recursive: true }));
  execFileSync("chmod", ["0755", open]);
  writeFileSync(join(open, "secret.pem"), "x", { mode: 0o600 });
  mkdirSync(join(open, "closed"), { mode: 0o700 });
  writeFileSync(join(open, "closed/x.pem"), "x");
  if (process.getuid?.() !== 0) {
    execFileSync("chmod", ["0000", join(open, "secret.pem"), join(open, "closed")]);
    t.teardown(() => execFileSync("chmod", ["0700", join(open, "closed")]));
  }
  const [file, inside] = unprivileged([`file:${open}/secret.pem`, `file:${open}/closed/x.pem`]);
  const skip = file === undefined ? "this root may not become another user" : false;
  await t.test("read as an unprivileged user", { skip }, async (t) => {
    const user = "this process runs as uid \\d+";
    t.equal(file?.code, "FILE_NOT_READABLE");
    t.match(
      file?.message,
      new RegExp(`secret.pem may not be read \\(mode 0\\d00, owner uid \\d+; ${user}\\)`),
    );
    t.equal(inside?.code, "FILE_NOT_READABLE");
    t.match(
      inside?.message,
      new RegExp(`closed may not be passed \\(mode 0\\d00, owner uid \\d+; ${user}\\)`),
    );
  });
});

/** The errors of reading the URIs in a process that is not root; nothing where root cannot become another user. */
function unprivileged(uris: readonly string[]): { code: string; message: string }[] {
  const program = `
    const { fileBackend } = await import(${JSON.stringify(import.meta.resolve("@ddscred/backend-file"))});
    const source = fileBackend({ bases: [] });
    if (process.getuid() === 0) {
      try { process.setgroups([]); process.setgid(65534); process.setuid(65534); } catch { process.exit(7); }
    }
    const errors = await Promise.all(${JSON.stringify(uris)}.map((uri) => source.document(uri).catch((error) => error)));
    console.log(JSON.stringify(errors));`;
  try {
    return JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "-e", program], {
        encoding: "utf8",
        // The test runner's loaders write files that this user may not.
        env: { ...process.env, NODE_OPTIONS: "" },
      }),
    );
  } catch (error) {
    if ((error as { status?: number }).status === 7) return [];
    throw error;
  }
}

await t.test(
  "what was pasted in place of a path is not shown, nor does a path steer the terminal",
  async (t) => {
    const secret = "c4n4ryInAPath";
    for (const uri of [
      `file:/-----BEGIN PRIVATE KEY-----\n${secret}`,
      `file:/x.pem;pin-value=${secret}`,
      `file:x?pin-value=${secret}`,
    ]) {
      const error: unknown = await source.signer(uri).catch((reason: unknown) => reason);
      const { message, stack, cause } = error as CredentialError;
      t.match(error, { code: "FILE_NOT_FOUND" });
      t.notOk(`${message}${stack}${JSON.stringify(error)}${String(cause)}`.includes(secret));
    }
    t.notOk((await faultOf("%1b[31mred")).message.includes("\u001b"));
  },
);

const descriptors = "/proc/self/fd";

await t.test(
  "no fault leaves a file open",
  { skip: existsSync(descriptors) ? false : `needs ${descriptors}` },
  async (t) => {
    const before = readdirSync(descriptors).length;
    const names = ["directory", "pipe", "empty.pem", "large", "none", "circle.pem", "identity_ca.pem"];
    const reads = Array.from({ length: 20 }, () => names).flat();
    await Promise.allSettled(reads.map((name) => source.certificates(`file:${name}`)));
    t.equal(readdirSync(descriptors).length, before);
  },
);

await t.test("an aborted read is ABORTED, whatever the file is", async (t) => {
  const signal = AbortSignal.abort();
  for (const name of ["identity_ca.pem", "none", "directory"]) {
    await t.rejects(source.document(`file:${name}`, { signal }), { code: "ABORTED" });
  }
  const controller = new AbortController();
  const reading = source.document("file:16mib", { signal: controller.signal });
  controller.abort();
  await t.rejects(reading, { code: "ABORTED", uri: "file:16mib" });
});
