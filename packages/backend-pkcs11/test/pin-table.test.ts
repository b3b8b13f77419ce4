// A process that was given more wrong PINs than it remembers.

import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import t from "tap";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const skip = noToken === false ? noCompiler() : noToken;

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
  for (const pin of ["wrong-0", "wrong-511", "wrong-511"])
    t.match(await refusal(pin), { code: "PIN_INCORRECT" });
  for (const pin of ["wrong-a", "wrong-b", "wrong-a"]) t.match(await refusal(pin), { code: "PIN_REFUSED" });
  t.equal(table.count("C_Login"), sent, "none of them is sent");
});
