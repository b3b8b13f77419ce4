// Run as a program of its own: puts objects on a token. A module reads its configuration when a process first
// initialises it, and a login counts for the whole process, so a test's own process must not do this.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { TokenObjectSpec } from "./objects.ts";

export interface Provisioning {
  readonly module: string;
  readonly label: string;
  readonly pin: string;
  readonly objects: readonly TokenObjectSpec[];
}

const { module, label, pin, objects } = JSON.parse(readFileSync(0, "utf8")) as Provisioning;
const pkcs11 = createRequire(import.meta.url)("pkcs11js");
const cryptoki = new pkcs11.PKCS11();
cryptoki.load(module);
cryptoki.C_Initialize({ flags: 2 });
const slots: Buffer[] = cryptoki.C_GetSlotList(true);
const slot = slots.find((one) => cryptoki.C_GetTokenInfo(one).label.trim() === label);
const session = cryptoki.C_OpenSession(slot, 6);
cryptoki.C_Login(session, 1, pin);
for (const object of objects) {
  const template = object.map(({ type, value }) => ({
    type,
    value: typeof value === "object" ? Buffer.from(value.hex, "hex") : value,
  }));
  cryptoki.C_CreateObject(session, template);
}
cryptoki.C_Finalize();
