// A deployment whose keys never leave their tokens, made by the program; openssl judges what comes out of it.

import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ddscred, missing } from "./support/program.ts";
import { makeTokens, PIN, softHsm, type Tokens } from "./support/tokens.ts";

t.setTimeout(600_000);

const skip =
  missing("softhsm2-util", "openssl") ?? (softHsm === "" ? "SoftHSM's module is not installed" : false);

t.test("a deployment with keys that stay on their tokens", { skip }, async (t) => {
  const tokens = makeTokens(t, "CA", "Robot");
  const made = jsonOf(t, tokens.ddscred("key", "generate", "pkcs11:token=CA;object=ca", "--format", "json"));
  t.match(made, {
    uri: /^pkcs11:token=CA;.*object=ca;type=private;id=/,
    publicKeyUri: /type=public/,
    key: "EC P-256",
    protection: { sensitive: true, neverExtractable: true, local: true },
    signatureVerified: true,
    next: [/^ddscred csr --key 'pkcs11:token=CA;.*' .*--module .*--pin-source file:/],
  });

  const ca = ["--ca-key", String(made["uri"])];
  good(
    t,
    tokens.ddscred(
      "csr",
      "--key",
      String(made["uri"]),
      "--subject",
      "CN=Identity CA,O=Example",
      "--out",
      "ca.csr",
    ),
  );
  good(
    t,
    tokens.ddscred("cert", "issue", "--csr", "ca.csr", ...ca, "--ca", "--days", "3650", "--out", "ca.pem"),
  );
  const stored = jsonOf(
    t,
    tokens.ddscred("cert", "import", "pkcs11:token=CA", "--cert", "ca.pem", "--format", "json"),
  );
  t.equal(stored["privateKeyUri"], made["uri"], "the certificate found its key");

  for (const [name, type] of [
    ["alice", "ec-p256"],
    ["bob", "rsa-2048"],
    ["carol", "ec-p384"],
  ] as const) {
    const uri = `pkcs11:token=Robot;object=${name}`;
    const { stdout } = good(t, tokens.ddscred("key", "generate", uri, "--type", type));
    t.match(stdout, /sensitive, never extractable, made on the token/);
    good(
      t,
      tokens.ddscred("csr", "--key", uri, "--subject", `/C=NL/O=Example/CN=${name}`, "--out", `${name}.csr`),
    );
    t.match(tokens.openssl("req", "-verify", "-noout", "-subject", "-in", `${name}.csr`), `CN = ${name}`);
    const from = ["--ca-cert", String(stored["uri"])];
    const issue = ["--csr", `${name}.csr`, ...from, ...ca, "--days", "365", "--out", `${name}.pem`];
    good(t, tokens.ddscred("cert", "issue", ...issue));
    t.match(
      tokens.openssl("verify", "-x509_strict", "-purpose", "any", "-CAfile", "ca.pem", `${name}.pem`),
      "OK",
    );
    const { stdout: told } = good(t, tokens.ddscred("cert", "import", uri, "--cert", `${name}.pem`));
    t.match(told, new RegExp(`private key +pkcs11:token=Robot;.*object=${name};type=private`));
  }
  const text = tokens.openssl("x509", "-noout", "-text", "-in", "bob.pem");
  t.match(text, /Version: 3/);
  t.match(text, /Basic Constraints: critical\s+CA:FALSE/);
  t.match(text, /Key Usage: critical\s+Digital Signature\n/);
  t.match(text, /Subject Key Identifier/);
  t.match(text, /Authority Key Identifier/);
  t.match(text, /Serial Number:\s+(?:[0-9a-f]{2}:){15}[0-9a-f]{2}\n/);

  const { stdout } = good(t, tokens.ddscred("ls", "pkcs11:token=Robot", "--format", "json"));
  const kinds = (JSON.parse(stdout) as { kind: string; label: string }[]).map(
    ({ kind, label }) => `${label} ${kind}`,
  );
  for (const name of ["alice", "bob", "carol"]) {
    for (const kind of ["certificate", "private-key", "public-key"]) t.ok(kinds.includes(`${name} ${kind}`));
  }
  t.notMatch(tokens.printed.join(""), PIN, "the PIN was printed nowhere");
});

t.test("what is refused, and why", { skip }, async (t) => {
  const tokens = makeTokens(t, "CA", "Robot");
  const alice = "pkcs11:token=Robot;object=alice";
  good(t, tokens.ddscred("key", "generate", alice));
  const refused = (code: string, says: RegExp, ...args: readonly string[]): void => {
    const { status, stdout } = tokens.ddscred(...args, "--format", "json");
    t.equal(status, 1, args.join(" "));
    const error = JSON.parse(stdout) as { code: string; message: string; hint: string };
    t.equal(error.code, code);
    t.match(JSON.stringify(error), says);
    const text = tokens.ddscred(...args);
    t.equal(text.status, 1);
    t.match(text.stderr, code);
  };
  refused("OBJECT_EXISTS", /alice.*ddscred remove/, "key", "generate", alice);
  refused("OBJECT_UNNAMED", /object=/, "key", "generate", "pkcs11:token=Robot");
  refused("TOKEN_NOT_FOUND", /Robot/, "key", "generate", "pkcs11:token=Robt;object=x");
  refused("OBJECT_UNNAMED", /which object/, "remove", "pkcs11:token=Robot;type=public", "--yes");
  refused("OBJECT_AMBIGUOUS", /type=private.*type=public/, "remove", alice, "--yes");
  refused("OBJECT_NOT_FOUND", /alice/, "remove", "pkcs11:token=Robot;object=alic", "--yes");
  refused("NAME_INVALID", /C/, "csr", "--key", alice, "--subject", "C=Netherlands");

  good(t, tokens.ddscred("csr", "--key", alice, "--subject", "CN=alice", "--out", "alice.csr"));
  refused(
    "FILE_WRITE_FAILED",
    /already/,
    "csr",
    "--key",
    alice,
    "--subject",
    "CN=alice",
    "--out",
    "alice.csr",
  );
  good(t, tokens.ddscred("key", "generate", "pkcs11:token=CA;object=ca"));
  const key = ["--ca-key", "pkcs11:token=CA;object=ca"];
  refused("KEY_MISMATCH", /issuer/, "cert", "issue", "--csr", "alice.csr", ...key, "--ca", "--days", "9");
  good(
    t,
    tokens.ddscred(
      "cert",
      "issue",
      "--csr",
      "alice.csr",
      "--ca-key",
      alice,
      "--ca",
      "--days",
      "9",
      "--out",
      "a.pem",
    ),
  );
  const byAlice = ["--ca-key", alice, "--ca-cert", "a.pem"];
  refused(
    "CERTIFICATE_EXPIRED",
    /outlive/,
    "cert",
    "issue",
    "--csr",
    "alice.csr",
    ...byAlice,
    "--days",
    "10",
  );
  good(
    t,
    tokens.ddscred("cert", "issue", "--csr", "alice.csr", ...byAlice, "--days", "8", "--out", "leaf.pem"),
  );
  const leaf = ["--ca-key", alice, "--ca-cert", "leaf.pem"];
  refused("CA_INVALID", /issue/, "cert", "issue", "--csr", "alice.csr", ...leaf, "--days", "1");
  refused(
    "KEY_MISMATCH",
    /alice.*without-key/,
    "cert",
    "import",
    "pkcs11:token=CA;object=x",
    "--cert",
    "leaf.pem",
  );
  const besideAnother = ["cert", "import", `pkcs11:token=CA;object=ca`, "--cert", "leaf.pem"];
  refused("KEY_MISMATCH", /private key .* is not that of/, ...besideAnother, "--without-key");
  good(
    t,
    tokens.ddscred("cert", "import", "pkcs11:token=CA;object=x", "--cert", "leaf.pem", "--without-key"),
  );
  const none = tokens.ddscred("ls", "pkcs11:token=NONE;object=x");
  t.match(none, { status: 1, stdout: /^no token matches the URI/ });
  t.match(tokens.ddscred("ls", "pkcs11:token=NONE"), { status: 1, stdout: /^no token matches the URI/ });
  t.match(tokens.ddscred("ls", "pkcs11:token=CA;object=none"), { status: 1, stdout: /^nothing matches/ });
  refused(
    "OBJECT_EXISTS",
    /x/,
    "cert",
    "import",
    "pkcs11:token=CA;object=y",
    "--cert",
    "leaf.pem",
    "--without-key",
  );

  tokens.openssl(
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    "k",
    "-subj",
    "/CN=x",
    "-out",
    "x.csr",
  );
  const der = Buffer.from(
    readFileSync(join(tokens.folder, "x.csr"), "utf8").replace(/-----[^-]+-----/g, ""),
    "base64",
  );
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  writeFileSync(join(tokens.folder, "altered.csr"), der);
  refused("SIGNATURE_INVALID", /request/, "cert", "issue", "--csr", "altered.csr", ...byAlice, "--days", "1");

  good(t, tokens.ddscred("remove", `${alice};type=private`, "--yes"));
  refused("OBJECT_NOT_FOUND", /alice/, "csr", "--key", alice, "--subject", "CN=alice");
  t.notMatch(tokens.printed.join(""), PIN, "the PIN was printed nowhere");
});

t.test("a key that was in a file is imported on request only, and said to be a risk", { skip }, async (t) => {
  const tokens = makeTokens(t, "Robot");
  tokens.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "soft.key");
  const uri = "pkcs11:token=Robot;object=soft";
  const without = tokens.ddscred("key", "import", uri, "--key", "soft.key");
  t.equal(without.status, 2);
  t.match(without.stderr, /ddscred key generate.*--accept-exposed-key/s);
  const made = jsonOf(
    t,
    tokens.ddscred("key", "import", uri, "--key", "soft.key", "--accept-exposed-key", "--format", "json"),
  );
  t.match(made, { risk: /copy/, protection: { sensitive: true, neverExtractable: false, local: false } });
  good(t, tokens.ddscred("csr", "--key", uri, "--subject", "CN=soft", "--out", "soft.csr"));
  const inFile = tokens.openssl("pkey", "-in", "soft.key", "-pubout");
  t.equal(tokens.openssl("req", "-in", "soft.csr", "-noout", "-pubkey"), inFile, "it is the key of the file");

  writeFileSync(join(tokens.folder, "passphrase"), "opens it\n", { mode: 0o600 });
  tokens.openssl("genrsa", "-aes256", "-passout", "pass:opens it", "-out", "closed.key", "2048");
  const closed = [
    "key",
    "import",
    "pkcs11:token=Robot;object=closed",
    "--key",
    "closed.key",
    "--accept-exposed-key",
  ];
  t.match(tokens.ddscred(...closed).stderr, /PASSPHRASE_REQUIRED.*--passphrase-source/s);
  good(t, tokens.ddscred(...closed, "--passphrase-source", "file:passphrase"));
  t.notMatch(tokens.printed.join(""), new RegExp(`${PIN}|opens it`), "no secret was printed");
});

t.test("--pin-source: where the PIN comes from", { skip }, async (t) => {
  const tokens = makeTokens(t, "Robot", "Other");
  const pin = join(tokens.folder, "pin");
  const list = (source: string, env: Record<string, string> = {}, uri = "pkcs11:token=Robot;type=private") =>
    tokens.withoutPin(["ls", uri, "--pin-source", source], env);
  good(t, tokens.ddscred("key", "generate", "pkcs11:token=Robot;object=alice"));
  t.match(good(t, list(`file:${pin}`)).stdout, "alice");
  t.match(good(t, list("env:THE_PIN", { THE_PIN: PIN })).stdout, "alice");
  t.match(good(t, list("systemd:pin", { CREDENTIALS_DIRECTORY: tokens.folder })).stdout, "alice");
  const cat = ["/bin/cat", "/usr/bin/cat"].find((path) => existsSync(path));
  t.match(good(t, list(`|${cat} ${pin}`)).stdout, "alice");
  t.match(list("|cat pin").stderr, "PIN_SOURCE_REFUSED");
  t.match(list(PIN), { status: 2, stderr: /--pin-source needs a kind in front, as in file:pin/ });
  t.match(list("env:UNSET_PIN").stderr, "PIN_SOURCE_UNREADABLE");
  chmodSync(pin, 0o644);
  t.match(list(`file:${pin}`).stderr, "PIN_SOURCE_REFUSED");
  chmodSync(pin, 0o600);

  // The PIN of one token is never tried on another.
  const both = ["--cert", "pkcs11:token=Other;object=alice"];
  const { status, stderr } = tokens.ddscred("cert", "import", "pkcs11:token=Robot;object=x", ...both);
  t.equal(status, 1);
  t.match(stderr, "OBJECT_NOT_FOUND");
  good(t, tokens.ddscred("doctor", "pkcs11:token=Robot;object=alice;type=private"));
  t.notMatch(tokens.printed.join(""), PIN, "the PIN was printed nowhere");
});

const noTerminal = skip !== false ? skip : (missing("python3") ?? false);

t.test("at a terminal, the PIN is asked for without echo", { skip: noTerminal }, async (t) => {
  const tokens = makeTokens(t, "Robot");
  const alice = "pkcs11:token=Robot;object=alice";
  const question = 'PIN for token "Robot"';
  const wrongThenRight = `x\u0015${PIN}x\u007f\u001b[A\r`;

  const made = tokens.atTerminal(["key", "generate", alice], [[question, wrongThenRight]]);
  t.equal(made.status, 0, made.shown);
  t.match(made.shown, /made.*EC P-256/s);
  t.same(made.echo, [false, true], "no echo while it asks, and the terminal is restored");
  t.equal(made.shown.split(question).length, 2, "asked once");

  const interrupted = tokens.atTerminal(["ls", "pkcs11:token=Robot"], [[question, "can\u0003"]]);
  t.equal(interrupted.status, -2, "ended by SIGINT");
  t.same(interrupted.echo, [false, true]);

  const hungUp = tokens.atTerminal(["ls", "pkcs11:token=Robot"], [[question, "SIGHUP"]]);
  t.match(hungUp, { status: -1, echo: [false, true] }, "restored after SIGHUP too");

  const empty = tokens.atTerminal(["key", "generate", "pkcs11:token=Robot;object=x"], [[question, "\r"]]);
  t.equal(empty.status, 1);
  t.match(empty.shown, "PIN_REQUIRED");

  const wrong = tokens.atTerminal(["csr", "--key", alice, "--subject", "CN=a"], [[question, "9999\r"]]);
  t.equal(wrong.status, 1);
  t.match(wrong.shown, "PIN_INCORRECT");
  t.equal(wrong.shown.split(question).length, 2, "asked once, tried once");

  const remove = (answer: string) =>
    tokens.atTerminal(
      ["remove", `${alice};type=private`],
      [
        [question, `${PIN}\r`],
        ["[y/N]", answer],
      ],
    );
  t.match(remove("n\r"), { status: 1, shown: /nothing was removed/ });
  t.match(remove("\u0004"), { status: 1, shown: /nothing was removed/ });
  t.equal(remove("\u0003").status, -2);
  t.match(remove("y\r"), { status: 0, shown: /cannot be had back.*removed/s });
  t.match(tokens.withoutPin(["remove", alice]), { status: 2, stderr: /--yes/ });
  t.notMatch(tokens.printed.join(""), new RegExp(`${PIN}|9999`), "no PIN was shown");
});

t.test("wrong usage is said before a token is touched", async (t) => {
  const wrong: readonly (readonly string[])[] = [
    ["key"],
    ["key", "make", "pkcs11:token=T"],
    ["key", "generate"],
    ["key", "generate", "file:x"],
    ["key", "generate", "pkcs11:token=T;object=a", "--type", "rsa-1024"],
    ["key", "import", "pkcs11:token=T;object=a", "--accept-exposed-key"],
    ["cert", "import", "pkcs11:token=T;object=a"],
    ["cert", "issue", "--csr", "x", "--ca-key", "y", "--days", "1"],
    ["cert", "issue", "--csr", "x", "--ca-key", "y", "--ca", "--days", "0"],
    ["csr", "--key", "x"],
    ["remove"],
    ["remove", "pkcs11:token=T;object=a"],
  ];
  for (const args of wrong) {
    const { status, stdout, stderr } = ddscred(args);
    t.equal(status, 2, args.join(" "));
    t.equal(stdout, "");
    t.match(stderr, /^ddscred (?:key|cert|csr|remove)(?: (?:generate|import|issue))?: .*\n\nUsage: /);
  }
  for (const args of [
    ["key", "generate"],
    ["key", "import"],
    ["key"],
    ["csr"],
    ["remove"],
    ["cert", "issue"],
    ["cert", "import"],
  ]) {
    const { status, stdout } = ddscred([...args, "--help"]);
    t.equal(status, 0);
    t.match(stdout, `Usage: ddscred ${args.join(" ")}`);
    for (const line of stdout.split("\n")) t.ok(line.length <= 80, line);
  }
});

function good(t: Test, outcome: ReturnType<Tokens["ddscred"]>) {
  t.equal(outcome.status, 0, outcome.stdout + outcome.stderr);
  return outcome;
}

function jsonOf(t: Test, outcome: ReturnType<Tokens["ddscred"]>): Record<string, unknown> {
  return JSON.parse(good(t, outcome).stdout) as Record<string, unknown>;
}
