export {
  type DiscoverOptions,
  type Discovery,
  discoverModules,
  type ModuleCandidate,
  type ModuleOrigin,
  moduleVariables,
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
export { initialiseHint, judgeLabels, judgeSlots, judgeToken, tokenFacts } from "./discovery/health.ts";
export type { EngineSection, ProviderSection } from "./discovery/openssl/pkcs11.ts";
export type { ModuleParameters } from "./discovery/parameters.ts";
export type { EventListener, Pkcs11Event } from "./events.ts";
export type { Pkcs11BackendOptions } from "./options.ts";
export { pkcs11Backend } from "./pkcs11-backend.ts";
export type { Pkcs11Source, TokenWatch } from "./source.ts";
export type { PinProvider, PinQuestion } from "./token/pin.ts";
export { readPinSource } from "./token/pin-source.ts";
export type { PinState } from "./token/pin-state.ts";
export { notePinSource } from "./token/pin-variables.ts";
export type { WaitOptions } from "./token/wait.ts";
export type { TracedCall, TraceListener } from "./trace.ts";
