import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type CredentialError, parsePkcs11Uri, type Secret } from "@ddscred/core";
import t from "tap";
import { pinOfCommand } from "../dist/token/pin-command.js";
import { pinOfDescriptor } from "../dist/token/pin-descriptor.js";
import { pinOfUri } from "../dist/token/pin-source.js";
import { failure } from "./support/failure.ts";

const PIN = "canary-pin-4711";
const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
const errors: CredentialError[] = [];
let pipes = 0;
const numbers = new Set<number>();
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const onUnix = process.platform === "win32" ? { skip: "there are no such modes and pipes here" } : {};

t.test("systemd:NAME is the file NAME among the credentials of the service", onUnix, async (t) => {
  process.env["CREDENTIALS_DIRECTORY"] = folder;
  const path = file("pkcs11.pin", `${PIN}\n`);
  for (const mode of [0o600, 0o400, 0o440]) {
    chmodSync(path, mode);
    t.equal((await pinOf("systemd:pkcs11.pin"))?.reveal(), PIN, mode.toString(8));
  }
  for (const mode of [0o444, 0o420, 0o402]) {
    chmodSync(path, mode);
    t.equal((await failed(pinOf("systemd:pkcs11.pin"))).code, "PIN_SOURCE_REFUSED", mode.toString(8));
  }
  t.match(await failed(pinOf("systemd:other")), { code: "PIN_SOURCE_UNREADABLE", message: /"other"/ });
  for (const name of ["", ".", "..", "../pkcs11.pin", "a/b", folder]) {
    t.equal((await failed(pinOf(`systemd:${name}`))).code, "PIN_SOURCE_REFUSED", name);
  }
  delete process.env["CREDENTIALS_DIRECTORY"];
  t.match(await failed(pinOf("systemd:pkcs11.pin")), {
    code: "PIN_SOURCE_UNREADABLE",
    message: /CREDENTIALS_DIRECTORY/,
    hint: /LoadCredential=pkcs11\.pin:/,
  });
});

t.test(
  "fd:N is the first line of an open file or pipe, read once in the life of the process",
  onUnix,
  async (t) => {
    const ofFile = freshDescriptor(file("fd", `${PIN}\nmore`), constants.O_RDONLY);
    for (const _ of [1, 2]) t.equal((await pinOf(`fd:${ofFile}`))?.reveal(), PIN);
    const ended = pipe(`printf ${PIN}`);
    for (const _ of [1, 2]) t.equal((await pinOf(`fd:${ended}`))?.reveal(), PIN, "up to the end");
    const open = pipe(`printf '${PIN}\\r\\nmore'; sleep 1`);
    t.equal((await pinOf(`fd:${open}`))?.reveal(), PIN, "up to a line end, though more may come");
    const slow = pipe(`printf ${PIN.slice(0, 4)}; sleep 0.1; echo ${PIN.slice(4)}`);
    const [one, other] = await Promise.all([pinOf(`fd:${slow}`), pinOf(`fd:${slow}`)]);
    t.same([one?.reveal(), other?.reveal()], [PIN, PIN], "in pieces, for two at once");
  },
);

t.test(
  "a file descriptor that gives no line in time, or is none, is PIN_SOURCE_UNREADABLE",
  onUnix,
  async (t) => {
    const silent = pipe(`printf ${PIN}; sleep 30`);
    const begin = performance.now();
    const error = await failed(pinOfDescriptor(String(silent), 50));
    t.match(error, { code: "PIN_SOURCE_UNREADABLE", message: /no line came in time/ });
    t.ok(performance.now() - begin < 25_000);
    t.equal((await failed(pinOf(`fd:${silent}`))).message, error.message, "it is not read again");
    const large = freshDescriptor(file("large", "1".repeat(5000)), constants.O_RDONLY);
    t.match(await failed(pinOf(`fd:${large}`)), { message: /more than a PIN/ });
    t.match(await failed(pinOf(`fd:${pipe("yes | tr -d '\\n'")}`)), { message: /more than a PIN/ });
    const writing = freshDescriptor(file("write-only", ""), constants.O_WRONLY);
    for (const [fd, message] of [
      [999_999, /not open/],
      [freshDescriptor("/dev/null", constants.O_RDONLY), /neither a file nor a pipe/],
      [freshDescriptor(folder, constants.O_RDONLY), /neither a file nor a pipe/],
      [writing, /not open/],
    ] as const) {
      t.match(await failed(pinOf(`fd:${fd}`)), { code: "PIN_SOURCE_UNREADABLE", message });
    }
    for (const text of ["", "x", "-1", "01", "3;", "1e1", PIN, "9999999999"]) {
      const refused = await failed(pinOf(`fd:${text}`));
      t.equal(refused.code, "PIN_SOURCE_REFUSED", text);
    }
  },
);

t.test(
  "fd:N reads what the shell passes, and harms no descriptor of the process's own",
  onUnix,
  async (t) => {
    const source = JSON.stringify(new URL("../dist/token/pin-descriptor.js", import.meta.url));
    const program = `
    import { readdirSync } from "node:fs";
    import { readFile } from "node:fs/promises";
    import { pinOfDescriptor } from ${source};
    const pin = await pinOfDescriptor("3");
    let refused = 0;
    for (const fd of readdirSync("/dev/fd")) if (fd > 3) await pinOfDescriptor(fd, 5).catch(() => refused++);
    process.on("SIGUSR2", async () => {
      await readFile("/dev/null");
      process.stdout.write(pin.reveal() === "${PIN}" && refused > 3 ? "alive" : "read something else");
      process.exit();
    });
    setTimeout(() => process.kill(process.pid, "SIGUSR2"), 10);
    setTimeout(() => undefined, 2000);`;
    const shell = `(echo ${PIN}; sleep 1) | "$0" --input-type=module --eval "$1" 3<&0 0</dev/null`;
    t.equal(execFileSync("/bin/sh", ["-c", shell, process.execPath, program]).toString(), "alive");
  },
);

t.test(
  "|PROGRAM ARGUMENTS is the first line of a program that was allowed by its path",
  onUnix,
  async (t) => {
    const print = program("print", 'printf "%s\\nmore\\n" "$*"');
    t.equal((await pinOf(`|${print} ${PIN}`, [print]))?.reveal(), PIN);
    t.equal((await pinOf(`|${print}  a \t b `, [print]))?.reveal(), "a b", "arguments are split on blanks");
    t.equal((await pinOf(`|${print} $HOME;id *`, [print]))?.reveal(), "$HOME;id *", "there is no shell");
    for (const [command, allowed] of [
      [`|${print} ${PIN}`, []],
      [`|${print} ${PIN}`, [`${print}2`, "/bin/sh"]],
      ["|print", [print, "print"]],
      [`|${folder}/../${folder}/print`, [print]],
      ["|", [print]],
      ["|  ", [""]],
    ] as const) {
      const error = await failed(pinOf(command, allowed));
      t.equal(error.code, "PIN_SOURCE_REFUSED", command);
      t.notMatch(error.message, /print|canary/, "the command is not shown");
    }
  },
);

t.test("a program gets no input and nothing of the environment but HOME and a PATH", onUnix, async (t) => {
  process.env["DDSCRED_TEST_SECRET"] = PIN;
  const names = program("names", 'cat; echo "${DDSCRED_TEST_SECRET-unset} $PATH $HOME"');
  t.equal((await pinOf(`|${names}`, [names]))?.reveal(), `unset /usr/bin:/bin ${process.env["HOME"] ?? ""}`);
});

t.test("a program that fails, hangs, or writes too much gives no PIN", onUnix, async (t) => {
  const fails = program("fails", `echo ${PIN}; echo ${PIN} >&2; exit 3`);
  t.match(await failed(pinOf(`|${fails} ${PIN}`, [fails])), {
    code: "PIN_SOURCE_UNREADABLE",
    message: /status 3/,
  });
  const hangs = program("hangs", `echo ${PIN}; sleep 60`);
  const begin = performance.now();
  t.match(await failed(pinOfCommand(hangs, [hangs], 100)), { message: /did not end in time/ });
  t.ok(performance.now() - begin < 50_000);
  const floods = program("floods", "yes");
  t.match(await failed(pinOf(`|${floods}`, [floods])), { message: /too much/ });
  const absent = join(folder, "absent");
  t.match(await failed(pinOf(`|${absent}`, [absent])), { message: /there is no program/ });
  const text = file("text", "no program");
  t.match(await failed(pinOf(`|${text}`, [text])), { message: /cannot be run \(EACCES\)/ });
  const empty = program("empty", ":");
  t.ok((await pinOf(`|${empty}`, [empty]))?.isEmpty, "which a login refuses");
});

t.test(
  "a program that ended gave its PIN, though what it left behind holds its output open",
  onUnix,
  async (t) => {
    const begin = performance.now();
    for (const [name, script] of [
      ["agent", `sleep 30 & echo ${PIN}`],
      ["agent-first", `echo ${PIN}; sleep 30 &`],
      ["agent-bare", `printf ${PIN}; sleep 30 &`],
    ] as const) {
      const leaves = program(name, script);
      t.equal((await pinOf(`|${leaves}`, [leaves]))?.reveal(), PIN, name);
    }
    const fails = program("agent-fails", `sleep 30 & echo ${PIN}; exit 4`);
    t.match(await failed(pinOf(`|${fails}`, [fails])), { message: /status 4/ });
    t.ok(performance.now() - begin < 9_000);
    const plain = program("plain", `echo ${PIN}`);
    t.match(await failed(pinOf(`|${plain} ${PIN}\0`, [plain])), { message: /cannot be run/ });
  },
);

t.test("a program that others may write to is not run", onUnix, async (t) => {
  const exposed = program("exposed", `echo ${PIN}`);
  chmodSync(exposed, 0o775);
  t.match(await failed(pinOf(`|${exposed}`, [exposed])), {
    code: "PIN_SOURCE_REFUSED",
    message: /exposed is not run.*may write/,
  });
  for (const [name, exposedFolder] of [
    ["link-in-it", "links"],
    ["target-in-it", "targets"],
  ] as const) {
    const open = join(folder, exposedFolder);
    mkdirSync(open);
    const target = exposedFolder === "targets" ? `${exposedFolder}/program` : "linked";
    const link = exposedFolder === "links" ? join(open, "link") : join(folder, "link");
    symlinkSync(program(target, `echo ${PIN}`), link);
    t.equal((await pinOf(`|${link}`, [link]))?.reveal(), PIN, name);
    chmodSync(open, 0o777);
    t.match(
      await failed(pinOf(`|${link}`, [link])),
      { code: "PIN_SOURCE_REFUSED", message: new RegExp(`may write to the folder .*${exposedFolder}`) },
      name,
    );
  }
});

t.test("no error holds a PIN", async (t) => {
  t.notMatch(inspect(errors, { depth: 12, showHidden: true }) + JSON.stringify(errors), new RegExp(PIN));
});

async function pinOf(source: string, commands: readonly string[] = []): Promise<Secret | undefined> {
  const uri = parsePkcs11Uri(`pkcs11:token=a?pin-source=${encodeURIComponent(source)}`);
  return await pinOfUri(uri, commands);
}

async function failed(call: Promise<unknown>): Promise<CredentialError> {
  const error = await failure(call);
  errors.push(error);
  return error;
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function program(name: string, script: string): string {
  const path = file(name, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

/** One whose number was not used before: each number is read once. */
function freshDescriptor(path: string, flags: number): number {
  const fd = openSync(path, flags);
  if (numbers.has(fd)) return freshDescriptor(path, flags); // the one too many ends with the process
  numbers.add(fd);
  return fd;
}

/** A pipe from what a shell writes. */
function pipe(script: string): number {
  const path = join(folder, `pipe${pipes++}`);
  execFileSync("mkfifo", [path]);
  spawn("/bin/sh", ["-c", `exec >${path}; ${script}`], { stdio: "ignore" }).unref();
  return freshDescriptor(path, constants.O_RDONLY);
}

t.test("a PIN in place of a source's name is in no message", onUnix, async (t) => {
  for (const kind of ["file", "env", "fd", "systemd"]) {
    for (const pin of ["73914711", "/73914711", "//73914711", "7391-4711"]) {
      const error = await failed(pinOf(`${kind}:${pin}`));
      t.notMatch(`${error.message} ${error.hint} ${error.uri}`, "4711", `${kind}:${pin}`);
    }
  }
  t.notMatch((await failed(pinOf("env:canary!4711"))).message, "4711");
});
