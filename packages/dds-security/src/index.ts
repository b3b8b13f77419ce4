export { AuthenticatedPeer } from "./authentication/authenticated-peer.ts";
export type { Endianness } from "./authentication/cdr.ts";
export * from "./authentication/data-holder.ts";
export * from "./authentication/guid.ts";
export * from "./authentication/handshake.ts";
export type { Handshake } from "./authentication/handshake-state.ts";
export {
  type LocalIdentity,
  type LocalIdentityOptions,
  validateLocalIdentity,
} from "./authentication/local-identity.ts";
export * from "./authentication/open.ts";
export * from "./authentication/parameter-list.ts";
export * from "./authentication/predict.ts";
export type { ModpEncoding } from "./authentication/public-value.ts";
export * from "./authentication/remote-identity.ts";
export {
  deriveKeyExchange,
  type KeyExchangeMaterial,
  type SharedSecret,
} from "./authentication/shared-secret.ts";
export {
  authRequestToken,
  classIds,
  identityToken,
  peerCredentialToken,
  permissionsCredentialToken,
  permissionsToken,
} from "./authentication/tokens.ts";
export * from "./check/check.ts";
export type { ExposureOf, FileExposure } from "./check/exposure.ts";
export { Fleet } from "./check/fleet.ts";
export * from "./check/report.ts";
export { type CycloneOptions, readCycloneConfiguration } from "./configuration/cyclone.ts";
export * from "./configuration/enclave.ts";
export { type FastddsOptions, readFastddsConfiguration } from "./configuration/fastdds.ts";
export * from "./configuration/from-properties.ts";
export * from "./configuration/model.ts";
export * from "./configuration/properties.ts";
export * from "./configuration/read.ts";
export { type Attempt, type Concern, concernOf, failFast } from "./credentials/attempt.ts";
export * from "./credentials/deployment.ts";
export type { OpenDocument, OpenedDocument, ReadDocument } from "./credentials/document-cache.ts";
export type { ReadCaFolder, TrustedCaFile, TrustedCas } from "./credentials/trust.ts";
export type { Access, EndpointOptions } from "./decisions/access.ts";
export * from "./decisions/compile.ts";
export type { Considered, Decision, DecisionCode, RequestTag } from "./decisions/decision.ts";
export type { AccessAction, DialectName } from "./decisions/dialect.ts";
export * from "./decisions/document-refusals.ts";
export { type OpenAccessOptions, openAccess, refusedDecision } from "./decisions/opening.ts";
export * from "./decisions/outlook.ts";
export type { ParticipantProtection } from "./decisions/protection-participant.ts";
export type { TopicProtection } from "./decisions/protection-topic.ts";
export type { GivenTopic, Silence } from "./decisions/silence.ts";
export * from "./documents/algorithms.ts";
export * from "./documents/date-time.ts";
export * from "./documents/domains.ts";
export * from "./documents/fnmatch.ts";
export * from "./documents/governance.ts";
export * from "./documents/grant.ts";
export * from "./documents/kind.ts";
export * from "./documents/permissions.ts";
export * from "./documents/signed-form.ts";
export type * from "./documents/values.ts";
export type { DocumentExtension, Located } from "./documents/walk.ts";
export * from "./drafts/description.ts";
export type * from "./drafts/draft.ts";
export * from "./drafts/policy.ts";
export * from "./drafts/write.ts";
export * from "./finding.ts";
