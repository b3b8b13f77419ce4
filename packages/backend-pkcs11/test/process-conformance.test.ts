import { testOnSoftHsm } from "./support/conformance.ts";

await testOnSoftHsm("process");
