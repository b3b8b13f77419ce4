import t from "tap";
import { testOnSoftHsm } from "./support/conformance.ts";

t.setTimeout(180_000);
await testOnSoftHsm("process");
