export { type Pkcs11Source, pkcs11Backend } from "./backend.ts";
export {
  type Discovery,
  discoverModules,
  type ModuleCandidate,
  type ModuleOrigin,
  type OpensslDiscovery,
} from "./discovery/discover.ts";
export {
  examineBinding,
  examineModule,
  type ModuleExamination,
  type SlotExamination,
  type TokenExamination,
} from "./discovery/examine.ts";
export type { DiscoveryFinding } from "./discovery/finding.ts";
export type { EngineSection, ProviderSection } from "./discovery/openssl/pkcs11.ts";
export type { Pkcs11BackendOptions } from "./options.ts";
export type { PinProvider, PinQuestion } from "./token/pin.ts";
export type { PinState } from "./token/pin-state.ts";
