import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import t from "tap";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

const reason = noToken === false ? noCompiler() : noToken;
const CKR_FUNCTION_FAILED = 6;
const CKR_DEVICE_MEMORY = 0x31;

t.test(
  "a module that knows no session that only reads",
  reason === false ? {} : { skip: reason },
  async (t) => {
    const folder = new TokenFolder();
    t.teardown(() => folder.remove());
    folder.add("sessions");
    const module = new TableModule(folder);
    t.teardown(() => module.close());
    const open = async (): Promise<string> => {
      const backend = pkcs11Backend({ module: module.path, isolation: "inline" });
      t.teardown(() => backend.close());
      return (await failure(backend.certificates("pkcs11:token=sessions;object=none"))).code;
    };

    t.test("is asked for one that writes", async (t) => {
      module.fault("C_OpenSession", { does: "fail", rv: CKR_FUNCTION_FAILED });
      t.equal(await open(), "OBJECT_NOT_FOUND");
    });

    t.test("is not asked again where it has other reasons", async (t) => {
      module.reset();
      module.fault("C_OpenSession", { does: "fail", rv: CKR_DEVICE_MEMORY, times: -1 });
      t.not(await open(), "OBJECT_NOT_FOUND");
      t.equal(module.count("C_OpenSession"), 1);
    });
  },
);
