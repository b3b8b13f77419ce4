import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial } from "@ddscred/backend-conformance";
import t from "tap";
import { startDaemon } from "../support/daemon.ts";
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

t.setTimeout(600_000);

t.test("the contract of a backend across p11-kit", skip === undefined ? {} : { skip }, async (t) => {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add(LABEL, [
    ...certificateObjects(conformanceMaterial),
    ...chainObjects(conformanceMaterial),
    ...keyObjects().map(({ object }) => object),
  ]);
  const socket = join(folder.path, "socket");
  const offered = ["--provider", softHsm, `pkcs11:token=${LABEL}`];
  startDaemon(t, "p11-kit", "server", "-f", "-n", socket, ...offered);
  for (let wait = 0; !existsSync(socket) && wait < 500; wait++) await sleep(10);
  process.env["P11_KIT_SERVER_ADDRESS"] = `unix:path=${socket}`;
  await testToken(t, {
    name: "SoftHSM across p11-kit's server and client",
    options: { module: client },
    label: LABEL,
    pin: PIN,
  });
});
