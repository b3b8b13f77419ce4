import t from "tap";
import { testOnSoftHsm } from "./support/conformance.ts";

t.setTimeout(600_000);
await testOnSoftHsm("process");
