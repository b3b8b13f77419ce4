export { type MockDefect, mockDefects } from "./deployment/defects.ts";
export {
  type MockDeployment,
  type MockDeploymentOptions,
  type MockDeploymentUris,
  mockDeployment,
} from "./deployment/deployment.ts";
export { type MockPermissionsOptions, mockGovernance, mockPermissions } from "./deployment/documents.ts";
export { type MockPki, type MockPkiOptions, mockPki } from "./deployment/pki.ts";
export type { MockFiles } from "./files.ts";
export { type MockBackend, type MockBackendOptions, mockBackend } from "./mock-backend.ts";
export {
  issueMockCertificate,
  type MockCertificate,
  type MockCertificateOptions,
} from "./pki/certificate.ts";
export { type MockDocumentOptions, signMockDocument } from "./pki/document.ts";
export {
  generateMockKey,
  importMockKey,
  type MockHash,
  type MockKey,
  type MockKeyKind,
  type MockSignature,
} from "./pki/key.ts";
export type { CryptokiFunction, MockCall, MockFault } from "./token/cryptoki.ts";
export type { MockCertificateObject, MockKeyObject, MockObject } from "./token/objects.ts";
export { type MockToken, type MockTokenOptions, mockToken } from "./token/token.ts";
