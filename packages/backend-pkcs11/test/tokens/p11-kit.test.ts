import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial } from "@ddscred/backend-conformance";
import t from "tap";
import { library, missing } from "../support/installed.ts";
import { PIN, module as softHsm, TokenFolder } from "../support/softhsm.ts";
import { testToken } from "../support/token-fixture.ts";
import { certificateObjects, chainObjects, keyObjects } from "../support/token-objects.ts";

const LABEL = "conformance";
const client = library("p11-kit-client.so");
const skip = missing({
  SoftHSM: softHsm,
  "softhsm2-util": "softhsm2-util",
  "p11-kit's client module": client,
  "p11-kit": "p11-kit",
  pkcs11js: "pkcs11js",
});

t.test("the contract of a backend across p11-kit", skip === undefined ? {} : { skip }, async (t) => {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add(LABEL, [
    ...certificateObjects(conformanceMaterial),
    ...chainObjects(conformanceMaterial),
    ...keyObjects().map(({ object }) => object),
  ]);
  const socket = join(folder.path, "socket");
  const options = ["server", "-f", "-n", socket, "--provider", softHsm, `pkcs11:token=${LABEL}`];
  // Each connection has a process of its own: they are ended as a group.
  const server = spawn("p11-kit", options, { stdio: "ignore", detached: true });
  t.teardown(() => endGroup(server));
  for (let wait = 0; !existsSync(socket) && wait < 500; wait++) await sleep(10);
  process.env["P11_KIT_SERVER_ADDRESS"] = `unix:path=${socket}`;
  await testToken(t, {
    name: "SoftHSM across p11-kit's server and client",
    options: { module: client },
    label: LABEL,
    pin: PIN,
  });
});

function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}
