export type { SignOptions } from "./cms/make.ts";
export {
  type VerifiedContent,
  type VerifiedSignature,
  type VerifySignedDataOptions,
  verifySignedData,
} from "./cms/verify-signed-data.ts";
export * from "./crypto/ecdsa-signature.ts";
export * from "./crypto/forms.ts";
export * from "./crypto/web.ts";
export * from "./cryptoki/ckr.ts";
export * from "./der/fields.ts";
export * from "./der/node.ts";
export { type DerLimits, readDer } from "./der/read.ts";
export * from "./der/values.ts";
export * as der from "./der/write.ts";
export * from "./errors/codes.ts";
export * from "./errors/credential-error.ts";
export { type AbortSignalLike, utf8Bytes, utf8Text } from "./host.ts";
export * from "./pem/base64.ts";
export * from "./pem/certificates.ts";
export { encodePem, type PemBlock, readPem } from "./pem/pem.ts";
export * from "./ports/credential-source.ts";
export * from "./ports/crypto-provider.ts";
export * from "./ports/optional.ts";
export * from "./resolver.ts";
export * from "./schemes.ts";
export * from "./secret.ts";
export * from "./shell-word.ts";
export { type SignedDocument, signDocument } from "./smime/sign-document.ts";
export { VerifiedDocument, type VerifyDocumentOptions, verifyDocument } from "./smime/verify-document.ts";
export * from "./uri/data.ts";
export * from "./uri/file.ts";
export { nearest } from "./uri/nearest.ts";
export type { PeerReading } from "./uri/peer-reading.ts";
export { looksLikePin, redactUri } from "./uri/redact.ts";
export type * from "./uri/rfc7512/attributes.ts";
export * from "./uri/rfc7512/compare.ts";
export * from "./uri/rfc7512/explain.ts";
export * from "./uri/rfc7512/extract.ts";
export type { Pkcs11UriRule } from "./uri/rfc7512/fault.ts";
export * from "./uri/rfc7512/format.ts";
export * from "./uri/rfc7512/match.ts";
export { misnamedAttribute, misnamedQuery } from "./uri/rfc7512/misnamed.ts";
export * from "./uri/rfc7512/parse.ts";
export * from "./uri/scheme.ts";
export * from "./uri/select.ts";
export * from "./x509/algorithms.ts";
export { attributeKeyword, attributeType } from "./x509/attribute-types.ts";
export type * from "./x509/certificate.ts";
export {
  checkCrl,
  isRevocationList,
  looksLikeCrl,
  parseRevocationList,
  type RevocationList,
} from "./x509/crl.ts";
export type { FindEntry, RevocationReason, RevokedCertificate } from "./x509/crl-entries.ts";
export * from "./x509/extension-oids.ts";
export * from "./x509/extensions.ts";
export type { GeneralName } from "./x509/general-name.ts";
export { issueCertificate, type NewCertificate } from "./x509/make/certificate.ts";
export { nameDer } from "./x509/make/name.ts";
export {
  type CertificateRequest,
  makeCertificateRequest,
  readCertificateRequest,
} from "./x509/make/request.ts";
export { type DistinguishedName, type NameAttribute, parseName } from "./x509/name.ts";
export { namesEqual, subjectMatches } from "./x509/name-compare.ts";
export { type FormatNameOptions, formatName } from "./x509/name-format.ts";
export * from "./x509/name-text.ts";
export { isParsedCertificate, parseCertificate } from "./x509/parse.ts";
export type { PathInput, RevocationInput } from "./x509/path/input.ts";
export { ddsPeers, type PeerLimits } from "./x509/path/peers.ts";
export type { PathPolicies, PolicyInput } from "./x509/path/policies.ts";
export {
  ddsIdentityProfile,
  ddsPermissionsCaProfile,
  type KeyKind,
  type PathProfile,
  rfc5280Profile,
  strictProfile,
} from "./x509/path/profile.ts";
export type { Purpose } from "./x509/path/purpose.ts";
export type { RejectedPath } from "./x509/path/rejections.ts";
export type { RevocationOutcome } from "./x509/path/revocation.ts";
export { explainPath, type PathExplanation, validatePath } from "./x509/path/validate.ts";
export { type PathNote, ValidatedPath } from "./x509/path/validated-path.ts";
export { type PathQuestion, type PathTerms, pathValidator } from "./x509/path/validator.ts";
export { parsePublicKeyInfo } from "./x509/public-key.ts";
