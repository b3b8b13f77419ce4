// Questions that a token keeps from an answer, and those that the configuration itself answers with no.

import t from "tap";
import { ddscred, missing, temporaryFolder } from "./support/program.ts";
import { makeExample, PIN } from "./support/softhsm.ts";

t.setTimeout(300_000);
const skip = missing("softhsm2-util", "pkcs11-tool", "openssl") ?? false;

t.test("what could not be found out is not denied", { skip }, async (t) => {
  const example = makeExample(temporaryFolder(t), "ec");
  const good = example.configuration;
  const ask = (verb: string, configuration: string, args: readonly string[], env = {}) => {
    example.write("asked.xml", configuration);
    const sources = verb === "interop" ? ["asked.xml", "asked.xml"] : ["asked.xml"];
    const question = verb === "access" ? ["--domain", "0", "--join"] : [];
    const options = { cwd: example.folder, env: { ...example.env, ...env } };
    const text = ddscred([verb, ...sources, ...question, ...args], options);
    const json = ddscred([verb, ...sources, ...question, ...args, "--format", "json"], options);
    t.notMatch(text.stdout + text.stderr + json.stdout, /7788/);
    t.equal(text.status, json.status);
    return { status: text.status, text: text.stdout, json: JSON.parse(json.stdout) };
  };
  const module = ["--module", example.module];
  const elsewhere = good.replaceAll("token=DDSTestToken", "token=Nowhere");
  const withoutPin = good.replaceAll(`?pin-value=${PIN}`, "");
  const wrongPin = good.replaceAll(`pin-value=${PIN}`, "pin-value=7788");
  for (const verb of ["access", "interop"]) {
    for (const [configuration, args, code] of [
      [good, ["--module", "/nowhere.so"], "MODULE_NOT_FOUND"],
      [elsewhere, module, "TOKEN_NOT_FOUND"],
      [withoutPin, [...module, "--pin-source", "env:WRONG"], "PIN_INCORRECT"],
      [withoutPin, [...module, "--pin-source", "env:NO_SUCH_PIN"], "PIN_SOURCE_UNREADABLE"],
    ] as const) {
      const unknown = ask(verb, configuration, args, { WRONG: "7788" });
      t.equal(unknown.status, 3, `${verb} ${code}`);
      t.match(unknown.text, new RegExp(`^could not find out +.*${code}`));
      t.notMatch(unknown.text, "by DDS Security");
      if (verb === "access") {
        t.match(unknown.json, { allowed: false, foundOut: false, code, reason: /^could not find out: / });
      }
    }
    const fault = ask(verb, wrongPin, module);
    t.equal(fault.status, 1, verb);
    t.match(fault.text.replaceAll(/\s+/g, " "), /would not start: .*PIN/);
    t.match(fault.json, { code: "PIN_INCORRECT" });
  }
  t.equal(ask("access", good, module).status, 0);
});

t.test(
  "what is wrong is told with its property and its place, and a denial with what to do",
  { skip },
  async (t) => {
    const example = makeExample(temporaryFolder(t), "ec");
    const options = { cwd: example.folder, env: example.env };
    const module = ["--module", example.module];
    const wrongLabel = example.configuration.replace("object=alice_key", "object=alice_kye");
    example.write("asked.xml", wrongLabel);
    for (const args of [
      ["access", "asked.xml", "--domain", "0", "--join"],
      ["access", "asked.xml", "--domain", "0", "--join", "--dialect", "cyclonedds"],
      ["interop", "asked.xml", "asked.xml"],
    ]) {
      const text = ddscred([...args, ...module], options);
      t.match(text.stdout, /PrivateKey {2}\S*asked\.xml:8:\d+/, args.join(" "));
      t.match(JSON.parse(ddscred([...args, ...module, "--format", "json"], options).stdout), {
        property: "dds.sec.auth.private_key",
        location: { file: /asked\.xml/, line: 8 },
      });
    }
    for (const dialect of ["spec", "cyclonedds"]) {
      for (const [question, property, hint] of [
        [["--domain", "0", "--publish", "Nowhere"], "dds.sec.access.permissions", /allow_rule/],
      ] as const) {
        const args = ["access", "cyclonedds.xml", ...question, "--dialect", dialect, ...module];
        const denied = ddscred(args, options);
        t.equal(denied.status, 1);
        t.match(denied.stdout, hint, dialect);
        const json = JSON.parse(ddscred([...args, "--format", "json"], options).stdout);
        t.match(json, { allowed: false, property, hint, location: { line: Number } });
      }
    }
  },
);

t.test("a PIN in place of the name of a pin-source is in no format", { skip }, async (t) => {
  const example = makeExample(temporaryFolder(t), "ec");
  for (const kind of ["file", "env", "fd"]) {
    example.write(
      "asked.xml",
      example.configuration.replaceAll(`pin-value=${PIN}`, `pin-source=${kind}:73914711`),
    );
    for (const format of ["text", "json", "sarif", "html"]) {
      const args = ["check", "asked.xml", "--module", example.module, "--format", format];
      const { status, stdout, stderr } = ddscred(args, { cwd: example.folder, env: example.env });
      t.equal(status, 1);
      t.notMatch(stdout + stderr, "73914711", `${kind} ${format}`);
    }
  }
});
