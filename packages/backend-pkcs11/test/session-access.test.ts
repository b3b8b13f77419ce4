import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import t from "tap";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

const reason = noToken === false ? noCompiler() : noToken;
/** By which modules say so: CKR_FUNCTION_FAILED, _ARGUMENTS_BAD, _FUNCTION_NOT_SUPPORTED, _SESSION_READ_ONLY, _SESSION_READ_WRITE_SO_EXISTS. */
const refusals = [0x6, 0x7, 0x54, 0xb5, 0xb8];
const CKR_DEVICE_MEMORY = 0x31;
const CKR_SESSION_PARALLEL_NOT_SUPPORTED = 0xb4;

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
      const { code } = await failure(backend.certificates("pkcs11:token=sessions;object=none"));
      await backend.close();
      return code;
    };

    t.test("is asked for one that writes", async (t) => {
      for (const rv of refusals) {
        module.reset();
        module.fault("C_OpenSession", { does: "fail", rv });
        t.equal(await open(), "OBJECT_NOT_FOUND", `0x${rv.toString(16)}`);
        t.equal(module.count("C_OpenSession"), 3, "one for the second time, and another one");
      }
    });

    t.test("is not asked again where it has other reasons", async (t) => {
      for (const rv of [CKR_DEVICE_MEMORY, CKR_SESSION_PARALLEL_NOT_SUPPORTED]) {
        module.reset();
        module.fault("C_OpenSession", { does: "fail", rv, times: -1 });
        t.not(await open(), "OBJECT_NOT_FOUND");
        t.equal(module.count("C_OpenSession"), 1);
      }
    });
  },
);
