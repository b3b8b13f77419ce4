import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mockGovernance, mockPermissions, mockPki } from "../packages/backend-mock/dist/index.js";
import { median, report } from "./measure.mjs";

const PARTICIPANTS = 1000;

/** `ddscred check` on 1,000 participants as one fleet against one alone: what each costs, and the memory of all. */
export async function run() {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-bench-"));
  try {
    for (const permissions of ["each", "shared"]) {
      const files = await makeFleet(join(folder, permissions), permissions === "shared");
      const alone = [1, 2, 3, 4, 5].map((n) => checked([files[n]]));
      const one = { time: median(alone.map(({ time }) => time)), rss: median(alone.map(({ rss }) => rss)) };
      const all = checked(files);
      const each = all.time / files.length;
      const what = permissions === "shared" ? "one permissions document" : "a permissions document each";
      report(
        `${files.length}, ${what}: each ${each.toFixed(2)} ms / alone ${one.time.toFixed(1)} ms`,
        each / one.time,
        "at most 0.25",
      );
      report(
        `  memory (RSS): all ${mib(all.rss)} MiB / alone ${mib(one.rss)} MiB`,
        all.rss / one.rss,
        "at most 3",
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mib = (kib) => Math.round(kib / 1024);

/** Runs the program in a process of its own: milliseconds of checking, without starting up, and KiB at the peak. */
function checked(files) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [new URL(import.meta.url).pathname, ...files],
    {
      encoding: "utf8",
      maxBuffer: 1 << 30,
    },
  );
  const [, time, rss] = /^(\S+) ms (\S+) KiB$/m.exec(stderr) ?? [];
  if (status !== 0 || time === undefined) throw new Error(`check: ${stdout.slice(-2000)}${stderr}`);
  return { time: Number(time), rss: Number(rss) };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { verb } = await import("../packages/cli/dist/verbs/check.js");
  const began = performance.now();
  process.exitCode = await verb.run([...process.argv.slice(2), "--quiet"]);
  const time = performance.now() - began;
  process.stderr.write(`${time} ms ${process.resourceUsage().maxRSS} KiB\n`);
}

async function makeFleet(folder, isShared) {
  mkdirSync(folder);
  const write = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const pki = await mockPki();
  write("identity_ca.pem", pki.identityCa.pem);
  write("permissions_ca.pem", pki.permissionsCa.pem);
  write("governance.p7s", await pki.signDocument(mockGovernance()));
  const grants = [];
  const files = [];
  for (let n = 0; n < PARTICIPANTS; n++) {
    const name = `participant-${n}`;
    const { pem, key } = await pki.issueIdentity(name);
    const topics = Array.from({ length: 5 }, (_, topic) => `${name}/${topic}`);
    const xml = mockPermissions({ subject: `CN=${name},O=Example`, publish: topics, subscribe: topics });
    if (isShared) grants.push(/<grant[^]*<\/grant>/.exec(xml)[0]);
    else write(`${name}.p7s`, await pki.signDocument(xml));
    write(`${name}.pem`, pem);
    write(`${name}.key`, key.pem);
    write(`${name}.xml`, configuration(name, isShared ? "permissions" : name));
    files.push(join(folder, `${name}.xml`));
  }
  if (isShared) {
    const xml = mockPermissions({ subject: "CN=x" }).replace(/<grant[^]*<\/grant>/, () => grants.join("\n"));
    write("permissions.p7s", await pki.signDocument(xml));
  }
  return files;
}

const configuration = (name, permissions) => `<CycloneDDS><Domain id="0"><Security>
  <Authentication>
    <IdentityCertificate>file:${name}.pem</IdentityCertificate>
    <IdentityCA>file:identity_ca.pem</IdentityCA>
    <PrivateKey>file:${name}.key</PrivateKey>
  </Authentication>
  <AccessControl>
    <PermissionsCA>file:permissions_ca.pem</PermissionsCA>
    <Governance>file:governance.p7s</Governance>
    <Permissions>file:${permissions}.p7s</Permissions>
  </AccessControl>
</Security></Domain></CycloneDDS>
`;
