/** What can be wrong in a deployment on purpose. Each is one fault in one place. */
export const mockDefects = {
  "identity-expired": "the identity certificate expired yesterday",
  "identity-not-yet-valid": "the identity certificate begins tomorrow",
  "identity-of-other-ca": "the identity certificate was issued by another CA",
  "identity-signature-invalid": "the identity certificate names its CA, and its signature is not that CA's",
  "identity-ca-expired": "the identity CA expired yesterday",
  "certificate-missing": "the token has no identity certificate",
  "key-missing": "the token has no private key",
  "key-mismatch": "the private key on the token is another one",
  "pin-wrong": "the PIN in the URIs is wrong",
  "pin-locked": "the token's PIN is locked",
  "token-removed": "the token is not in its slot",
  "governance-altered": "the Governance document was changed after it was signed",
  "governance-of-other-ca": "the Governance document was signed by another CA",
  "governance-without-text-header": "the Governance document was signed without -text",
  "permissions-altered": "the Permissions document was changed after it was signed",
  "permissions-of-other-ca": "the Permissions document was signed by another CA",
  "permissions-expired": "the grant ended yesterday",
  "permissions-not-yet-valid": "the grant begins tomorrow",
  "permissions-of-other-subject": "the grant is for another participant",
} as const;

export type MockDefect = keyof typeof mockDefects;
