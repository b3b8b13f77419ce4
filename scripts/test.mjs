// `npm test`: sets up, installs the system packages that token tests need where it may, checks, and tests.
// The last line is `N passed, N failed, N skipped`: assertions by tap, and one for each check of the house.

import { execFile, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installFingerprint, root, setUp, step } from "./setup.mjs";

const SYSTEM_PACKAGES = [
  { name: "softhsm2", probe: "softhsm2-util", for: "tests on a real PKCS#11 module" },
  { name: "opensc", probe: "pkcs11-tool", for: "putting keys on a token" },
  { name: "p11-kit", probe: "p11-kit", for: "tests on a token service that dies" },
  { name: "libnss3-tools", probe: "certutil", for: "tests on NSS softokn" },
  { name: "openssl", probe: "openssl", for: "tests against OpenSSL" },
  { name: "libtpm2-pkcs11-1", probe: "/usr/lib/*/pkcs11/libtpm2_pkcs11.so", for: "tests on a TPM" },
  { name: "libtss2-tcti-swtpm0", probe: "/usr/lib/*/libtss2-tcti-swtpm.so.0", for: "tests on a TPM" },
  { name: "swtpm", probe: "swtpm", for: "tests on a TPM" },
  { name: "tpm2-tools", probe: "tpm2_flushcontext", for: "tests on a TPM" },
  { name: "opencryptoki", probe: "pkcsslotd", for: "tests on openCryptoki" },
  { name: "pcscd", probe: "pcscd", for: "tests on a smart card" },
  {
    name: "vsmartcard-vpcd",
    probe: "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    for: "tests on a smart card",
  },
  { name: "ykcs11", probe: "/usr/lib/*/libykcs11.so.2", for: "tests on a smart card by Yubico's module" },
  { name: "iproute2", probe: "ip", for: "tests on a smart card, in a network of its own" },
  {
    name: "cyclonedds-dev",
    probe: "/usr/include/dds/security/dds_security_api.h",
    for: "authenticating with Cyclone DDS",
  },
  {
    name: "libddsc0debian",
    probe: "/usr/lib/*/libddsc0debian/libdds_security_auth.so",
    for: "authenticating with Cyclone DDS",
  },
  { name: "cyclonedds-tools", probe: "ddsperf", for: "participants of Cyclone DDS with what we made" },
  {
    name: "libfastrtps-dev",
    probe: "/usr/include/fastdds/dds/domain/DomainParticipant.hpp",
    for: "participants of Fast DDS with what we made",
  },
  {
    name: "libengine-pkcs11-openssl",
    probe: "/usr/lib/*/engines-3/pkcs11.so",
    for: "participants of Fast DDS with keys on a token",
  },
  { name: "build-essential", probe: "cc", for: "authenticating with Cyclone DDS" },
];

const bin = (name) => join(root, "node_modules/.bin", name);
const count = { passed: 0, failed: 0, skipped: 0 };
const failed = [];

try {
  setUp();
} catch (error) {
  process.stdout.write(`${error.message}\n0 passed, 1 failed, 0 skipped\n`);
  process.exit(1);
}
installSystemPackages();
await Promise.all([
  check("packages as published", process.execPath, [join(root, "scripts/check-packages.mjs")]),
  check("lint", bin("oxlint"), ["--type-aware"]),
  check("format", bin("biome"), ["check", "."]),
  check("arrows between packages", process.execPath, [join(root, "scripts/check-arrows.mjs")]),
  check("documents quote the sources", process.execPath, [join(root, "scripts/docs.mjs"), "--check"]),
  check("unused exports and dependencies", bin("knip"), []),
]);
runTests();
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(", ")}\n`);
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
process.exit(count.failed > 0 ? 1 : 0);

async function check(what, command, args) {
  const [error, output] = await new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: 1 << 26 };
    execFile(command, args, options, (error, stdout, stderr) => resolve([error, `${stdout}${stderr}`]));
  });
  const good = error === null;
  count[good ? "passed" : "failed"]++;
  if (!good) failed.push(what);
  process.stdout.write(`${good ? "ok    " : "FAILED"} ${what}\n`);
  if (!good) process.stdout.write(`${output || error}\n`);
}

function runTests() {
  // tap builds its own runner from the plugin list; what is newly installed must be built before the first run.
  const runner = installFingerprint() + readFileSync(join(root, ".taprc"), "utf8");
  step(
    "tap",
    () => runner,
    "Building the test runner ...",
    () => spawnSync(bin("tap"), ["build"], { cwd: root }),
  );
  const report = join(root, ".setup/test-report.tap");
  rmSync(report, { force: true });
  const env = { ...process.env, ...(process.argv.includes("--long") ? { DDSCRED_TEST_LONG: "1" } : {}) };
  const run = spawnSync(bin("tap"), ["run", "--reporter=tap", `--output-file=${report}`], {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  const lines = (existsSync(report) ? readFileSync(report, "utf8") : run.stdout).split("\n");
  const skipped = lines.filter((line) => /^\s*ok \d+ .*# SKIP/i.test(line)).map((line) => line.trim());
  const total = lines.findLast((line) => line.startsWith("# { total: ")) ?? "";
  const figure = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(total)?.[1] ?? 0);
  count.passed += figure("pass");
  count.failed += figure("fail") + (total === "" ? 1 : 0);
  count.skipped += skipped.length;
  for (const line of lines) {
    const [, not, file] = /^(not )?ok \d+ - (\S+)/.exec(line) ?? [];
    if (file === undefined) continue;
    process.stdout.write(`${not === undefined ? "ok    " : "FAILED"} ${file.replace("dist-test", "test")}\n`);
    if (not !== undefined) failed.push(file);
  }
  if (run.status !== 0) {
    process.stdout.write(`${failures(lines)}\n${run.stderr.slice(0, 4000)}\n`);
    if (figure("fail") === 0) count.failed++;
  }
  for (const [reason, lines] of groupBy(skipped, reasonOf))
    process.stdout.write(`skipped: ${lines.length} (${reason})\n`);
  process.stdout.write(`${total}\n`);
}

function reasonOf(line) {
  const reason = /# SKIP:?\s*(.*)$/i.exec(line)?.[1] ?? "";
  // The vectors are not part of the repository: they are gathered from others' suites.
  return /vectors|\.\.\/shared/.test(reason)
    ? "outside vectors are not beside the repository, in ../shared"
    : reason;
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The innermost failures, each with what tap says of it. */
function failures(lines) {
  const shown = lines.flatMap((line, index) =>
    /^\s+not ok /.test(line) ? [...lines.slice(index, index + 30), ""] : [],
  );
  return shown.slice(0, 600).join("\n");
}

/** As root on Debian and its kin; elsewhere the tests that miss them say so and are skipped. */
function installSystemPackages() {
  const lacking = () => SYSTEM_PACKAGES.filter(({ probe }) => !isInstalled(probe));
  const missing = lacking();
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && onPath("apt-get")) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const names = missing.map(({ name }) => name);
    process.stderr.write(`Installing system packages: ${names.join(" ")}\n`);
    spawnSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
    const install = (...packages) =>
      spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
        env,
        stdio: "ignore",
      });
    // One that cannot be installed keeps apt from installing any.
    if (install(...names).status !== 0) for (const { name } of lacking()) install(name);
  }
  for (const { name, probe, for: purpose } of lacking()) {
    process.stdout.write(
      `missing: ${probe} (Debian package ${name}), ${purpose}; what needs it is skipped\n`,
    );
  }
}

/** A program; or a file by its path, with a `*` for the folder of an architecture. */
function isInstalled(probe) {
  if (!probe.startsWith("/")) return onPath(probe);
  const [before, after] = probe.split("*");
  if (after === undefined) return existsSync(probe);
  return existsSync(before) && readdirSync(before).some((folder) => existsSync(before + folder + after));
}

function onPath(program) {
  return `${process.env.PATH ?? ""}:/usr/sbin:/sbin`
    .split(":")
    .some((folder) => folder !== "" && existsSync(join(folder, program)));
}
