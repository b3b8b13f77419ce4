import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
} from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mockPermissions } from "../packages/backend-mock/dist/index.js";
import { pkcs11Backend } from "../packages/backend-pkcs11/dist/index.js";
import { certificatesFromPem } from "../packages/core/dist/index.js";
import { nodeCrypto, softwareSigner } from "../packages/crypto-node/dist/index.js";
import {
  beginHandshakeReply,
  beginHandshakeRequest,
  processHandshake,
  validateLocalIdentity,
  validateRemoteIdentity,
} from "../packages/dds-security/dist/index.js";
import { inTemporaryFolder, median, report, runProgram } from "./measure.mjs";

const ROUNDS = 45;
const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
// Certificates that are made in the next seconds are valid then.
const at = new Date(Date.now() + 60_000);

/** Complete handshakes, both sides in this process, against the bare operations of node:crypto in them. */
export async function run() {
  for (const key of ["ec", "rsa"])
    await inTemporaryFolder((folder) =>
      runProgram(process.execPath, ["--expose-gc", new URL(import.meta.url).pathname, folder, key], {
        stdio: ["ignore", "inherit", "inherit"],
      }),
    );
}

// Each kind of key runs in a process of its own: a module reads its configuration once.
if (process.argv[1] === new URL(import.meta.url).pathname) await measureKey(process.argv[2], process.argv[3]);

async function measureKey(folder, keyType) {
  makeParticipants(folder, keyType);
  const software = await pair(folder, {});
  const operations = await bareOperations(folder);
  const bare = async () => operations.forEach((operation) => operation());
  const count = keyType === "ec" ? 60 : 30;
  const [ours, least] = await alternately([async () => await handshake(software), bare], count);
  report(
    `${keyType}: ${(1000 / ours).toFixed(0)}/s, ${operations.length} bare operations ${(1000 / least).toFixed(0)}/s: time ratio`,
    ours / least,
    "at most 1.5",
  );
  await measureToken(folder, keyType, software, count);
  if (keyType === "ec") await measureMany(software);
}

/** The identity key of one side on a token. */
async function measureToken(folder, keyType, software, count) {
  process.env.SOFTHSM2_CONF = join(folder, "softhsm2.conf");
  const backend = pkcs11Backend({ module: MODULE, isolation: "inline" });
  const signer = await backend.signer("pkcs11:token=bench;object=alice_key?pin-value=1234");
  const onToken = await pair(folder, { alice: signer });
  const message = new Uint8Array(364);
  const [withToken, without, alone] = await alternately(
    [
      async () => await handshake(onToken),
      async () => await handshake(software),
      async () => await signer.sign(signer.schemes[0], message),
    ],
    count,
  );
  report(
    `${keyType}, one key in SoftHSM: ${withToken.toFixed(2)} ms, software ${without.toFixed(2)}, a signature ${alone.toFixed(2)}:`,
    (withToken - alone) / without,
    "at most 1.3",
  );
  await backend.close();
}

/** Ten thousand handshakes that wait for each other's tokens, and then all end. */
async function measureMany(parties) {
  const before = residentMegabytes();
  const begun = [];
  for (let n = 0; n < 10_000; n++) begun.push(await begin(parties));
  const held = residentMegabytes() - before;
  report("10,000 concurrent handshakes, both sides: RSS grows by MB", held, "bounded");
  for (const course of begun) await end(course);
  report("when all have ended: RSS grew by MB", residentMegabytes() - before, "bounded");
}

async function handshake(parties) {
  const { initiator, replier } = await end(await begin(parties));
  if (!initiator.peer || !replier.peer) throw new Error("the handshake did not end");
}

async function begin({ one, other, toOther, toOne }) {
  const request = await beginHandshakeRequest(one, toOther, { at });
  const reply = await beginHandshakeReply(other, toOne, request.send, { at });
  return { request, reply };
}

async function end({ request, reply }) {
  const answered = await processHandshake(request.state, reply.send, { at });
  const done = await processHandshake(reply.state, answered.send, { at });
  return { initiator: answered.state, replier: done.state };
}

async function pair(folder, signers, crypto = nodeCrypto()) {
  const pem = (name) => certificatesFromPem(readFileSync(join(folder, `${name}.pem`)));
  const open = async (name) =>
    await validateLocalIdentity(
      {
        certificates: pem(name),
        signer: signers[name] ?? softwareSigner(readFileSync(join(folder, `${name}.key`))),
        identityCa: pem("identity_ca"),
        permissionsCa: pem("permissions_ca")[0],
        permissionsDocument: new Uint8Array(readFileSync(join(folder, `${name}.p7s`))),
        crypto,
      },
      { at },
    );
  const [alice, bob] = [await open("alice"), await open("bob")];
  const aliceBegins = validateRemoteIdentity(alice, { guid: bob.guid }).role === "initiator";
  const [one, other] = aliceBegins ? [alice, bob] : [bob, alice];
  return {
    one,
    other,
    toOther: validateRemoteIdentity(one, { guid: other.guid }),
    toOne: validateRemoteIdentity(other, { guid: one.guid }),
  };
}

/** Every cryptographic operation of one handshake, as a bare call of node:crypto with the same data. */
async function bareOperations(folder) {
  const operations = [];
  let recording = false;
  const note = (operation) => recording && operations.push(operation);
  const crypto = nodeCrypto();
  const recorder = {
    ...crypto,
    async verify(spki, scheme, message, signature) {
      const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
      const input = { key, ...padding(scheme, constants.RSA_PSS_SALTLEN_AUTO) };
      note(() => verify("sha256", message, input, signature));
      return await crypto.verify(spki, scheme, message, signature);
    },
    async digest(hash, data) {
      const copy = Buffer.from(data);
      note(() => createHash("sha256").update(copy).digest());
      return await crypto.digest(hash, data);
    },
    async generateEphemeralKey(group) {
      const pair = await crypto.generateEphemeralKey(group);
      let bare;
      note(() => {
        bare = createECDH("prime256v1");
        bare.generateKeys();
      });
      const agree = async (peer) => {
        note(() => bare.computeSecret(peer));
        return await pair.agree(peer);
      };
      return { ...pair, agree };
    },
  };
  const signers = {};
  for (const name of ["alice", "bob"]) {
    const pem = readFileSync(join(folder, `${name}.key`));
    const [signer, key] = [softwareSigner(pem), createPrivateKey(pem)];
    const recorded = async (scheme, message) => {
      note(() => sign("sha256", message, { key, ...padding(scheme, 32) }));
      return await signer.sign(scheme, message);
    };
    signers[name] = {
      publicKey: signer.publicKey,
      schemes: signer.schemes,
      extractable: true,
      sign: recorded,
    };
  }
  const parties = await pair(folder, signers, recorder);
  // Not the first one of its peers: what is remembered of them is not verified again.
  await handshake(parties);
  recording = true;
  await handshake(parties);
  return operations;
}

function padding(scheme, saltLength) {
  if (scheme.padding === "pss") return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return scheme.padding === "pkcs1" ? { padding: constants.RSA_PKCS1_PADDING } : {};
}

/** Runs each work `count` times a round, so that noise falls on all alike; the median milliseconds of one. */
async function alternately(works, count) {
  const times = works.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, work] of works.entries()) {
      const start = performance.now();
      for (let n = 0; n < count; n++) await work();
      times[index].push((performance.now() - start) / count);
    }
  }
  // The first rounds run code that is not compiled yet.
  return times.map((each) => median(each.slice(20)));
}

function residentMegabytes() {
  globalThis.gc();
  return process.memoryUsage.rss() / 1e6;
}

function makeParticipants(folder, keyType) {
  const openssl = (...args) => runProgram("openssl", args, { cwd: folder });
  const newKey =
    keyType === "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", "rsa:2048"];
  for (const ca of ["identity_ca", "permissions_ca"]) {
    const files = ["-keyout", `${ca}.key`, "-out", `${ca}.pem`];
    openssl("req", "-x509", ...newKey, "-nodes", ...files, "-subj", `/C=NL/O=Example/CN=${ca}`, "-days", "9");
  }
  for (const name of ["alice", "bob"]) {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
    openssl("req", ...newKey, "-nodes", ...files, "-subj", `/C=NL/O=Example/CN=${name}`);
    const ca = ["-CA", "identity_ca.pem", "-CAkey", "identity_ca.key", "-CAcreateserial", "-days", "9"];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...ca);
    const subject = `CN=${name},O=Example,C=NL`;
    writeFileSync(join(folder, `${name}.xml`), mockPermissions({ subject }));
    const signer = ["-signer", "permissions_ca.pem", "-inkey", "permissions_ca.key"];
    openssl("smime", "-sign", "-text", "-in", `${name}.xml`, "-out", `${name}.p7s`, ...signer);
  }
  const conf = join(folder, "softhsm2.conf");
  runProgram("mkdir", ["-p", join(folder, "tokens")]);
  writeFileSync(conf, `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\n`);
  const softhsm = (...args) =>
    runProgram("softhsm2-util", args, { cwd: folder, env: { ...process.env, SOFTHSM2_CONF: conf } });
  softhsm("--init-token", "--free", "--label", "bench", "--pin", "1234", "--so-pin", "87654321");
  softhsm("--import", "alice.key", "--token", "bench", "--label", "alice_key", "--id", "01", "--pin", "1234");
}
