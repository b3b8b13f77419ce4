// What a process remembers of the PINs that it sent, and that it can be given more wrong ones than it has room for.

import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { Secret, type TokenInfo } from "@ddscred/core";
import t from "tap";
import {
  mayBeSent,
  noteAccepted,
  noteRefused,
  noteSending,
  noteUntried,
  wasRefused,
} from "../dist/token/sent-pins.js";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const skip = noToken === false ? noCompiler() : noToken;

const token = (serialNumber: string): TokenInfo => ({
  label: "twin",
  manufacturerID: "",
  model: "",
  serialNumber,
  slotId: 0n,
});

t.test("what becomes of a PIN on one token says nothing of another with its label", async (t) => {
  const pin = new Secret("canary-twin");
  noteRefused(token("1"), pin);
  noteAccepted(token("2"), pin);
  t.ok(wasRefused(token("1"), pin));
  t.notOk(wasRefused(token("2"), pin));
});

t.test("a PIN that was not tried after all was sent before nonetheless", async (t) => {
  const [pin, place] = [new Secret("canary-untried"), token("3")];
  noteSending(place, pin, 0);
  noteSending(place, pin, 0);
  t.notOk(mayBeSent(place, pin));
  noteUntried(place, pin);
  t.ok(mayBeSent(place, pin));
  noteSending(place, pin, 0);
  t.notOk(mayBeSent(place, pin));
});

t.test("where no room is left for what a token refused, no other PIN is sent", { skip }, async (t) => {
  const folder = new TokenFolder();
  folder.add("many");
  const table = new TableModule(folder);
  t.teardown(() => {
    table.close();
    folder.remove();
  });
  await using backend = pkcs11Backend({ module: table.path, isolation: "inline" });
  const refusal = async (pin: string) =>
    await failure(backend.signer(`pkcs11:token=many;object=k?pin-value=${pin}`));
  for (let n = 0; n < 512; n++) await refusal(`wrong-${n}`);
  const sent = table.count("C_Login");
  for (const pin of ["wrong-0", "wrong-500", "wrong-500"])
    t.match(await refusal(pin), { code: "PIN_INCORRECT" });
  for (const pin of ["wrong-a", "wrong-b", "wrong-a"]) t.match(await refusal(pin), { code: "PIN_REFUSED" });
  t.equal(table.count("C_Login"), sent, "none of them is sent");
});
