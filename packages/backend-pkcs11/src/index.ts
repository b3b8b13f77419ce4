export { type Pkcs11BackendOptions, pkcs11Backend } from "./backend.ts";
export type { PinProvider, PinQuestion } from "./token/pin.ts";
