// Over 200 lines: one table, so that no code stands twice.

/**
 * Every code that a {@link CredentialError} or a finding can carry, in one table.
 *
 * A code is stable: its meaning never changes and it is never reused. `summary` says what happened in
 * general; `hint` is what to do where the place that raised the error knows nothing better.
 * docs/errors.md is checked against this table.
 */
interface CodeRow {
  readonly summary: string;
  readonly hint: string;
}

const row = (summary: string, hint: string): CodeRow => ({ summary, hint });

export const errorCodes = {
  // URIs
  URI_INVALID: row(
    "the URI breaks the grammar of its scheme",
    "Correct the URI at the position named; `ddscred uri parse URI` explains each part.",
  ),
  URI_ATTRIBUTE_UNKNOWN: row(
    "an attribute of the URI is none of RFC 7512, or stands in the wrong place, so that the URI matches nothing",
    "Correct the name of the attribute: one that RFC 7512 does not name is a vendor's, and matches nothing in the path.",
  ),
  URI_SCHEME_UNKNOWN: row(
    "no backend answers this URI scheme",
    "Write the value as file:PATH, data:,TEXT or pkcs11:ATTRIBUTES.",
  ),
  URI_SCHEME_REFUSED: row(
    "the URI scheme is known but not allowed for this property",
    "Governance and Permissions are signed files: give them as file: or data:, URIs.",
  ),

  // Files and inline data
  FILE_NOT_FOUND: row(
    "there is no such file",
    "Check the path; a relative one starts where the participant, or the program, runs.",
  ),
  FILE_NOT_READABLE: row(
    "the file may not be read",
    "Give the user who runs this read permission on the file.",
  ),
  FILE_NOT_REGULAR: row(
    "the path is no regular file",
    "Name a file, not a directory, pipe, socket or device.",
  ),
  FILE_EMPTY: row("the file is empty", "Write into the file what belongs there, or name another one."),
  FILE_TOO_LARGE: row(
    "the file is larger than a credential can be",
    "Check that the path names the right file.",
  ),
  FILE_READ_FAILED: row("reading the file failed", "Check the file system that holds the file."),
  FILE_WRITE_FAILED: row(
    "the file cannot be written",
    "Check the folder, its permissions, and the room on its file system.",
  ),
  PEM_NOT_FOUND: row(
    "there is no PEM block of the kind wanted",
    "Convert the file: `openssl x509 -inform DER -in FILE -out FILE.pem` for a certificate in DER.",
  ),
  PEM_INVALID: row(
    "a PEM block is damaged",
    "Export the object again; the block at the line named is broken.",
  ),
  DER_INVALID: row("the bytes are not strict DER", "Export the object again in DER or PEM, unaltered."),
  CERTIFICATE_INVALID: row(
    "the certificate cannot be decoded",
    "Have the certificate issued or exported again.",
  ),
  NAME_INVALID: row(
    "the distinguished name cannot be read",
    "Write it as RFC 4514 does: CN=alice,O=Example,C=NL.",
  ),
  CRL_INVALID: row("the revocation list cannot be decoded", "Fetch the CRL again from its CA."),
  KEY_INVALID: row("the private key cannot be decoded", "Export the key again as PKCS#8 PEM."),
  KEY_UNSUPPORTED: row(
    "the key is of a kind that is not supported here",
    "Use an RSA key of 2048 bits or an EC key on P-256: all implementations accept them.",
  ),
  PASSPHRASE_REQUIRED: row(
    "the private key is encrypted and no passphrase was given",
    "Give the passphrase (Password).",
  ),
  PASSPHRASE_INCORRECT: row(
    "the passphrase does not open the private key",
    "Correct the passphrase (Password).",
  ),

  // PKCS#11 modules
  BINDING_UNAVAILABLE: row(
    "the native package pkcs11js cannot be loaded",
    "Install python3, make and a C++ compiler, then run `npm install pkcs11js`, or in a clone of ddscred `npm start`.",
  ),
  MODULE_REQUIRED: row(
    "a pkcs11: URI needs a PKCS#11 module and none was named",
    "Name the module: `--module /path/to/module.so`, or module-path in the URI.",
  ),
  MODULE_NOT_FOUND: row("the PKCS#11 module file does not exist", "Check the path of the module."),
  MODULE_NOT_LOADABLE: row(
    "the PKCS#11 module cannot be loaded",
    "Install what the module needs (`ldd MODULE` shows what is missing).",
  ),
  MODULE_NOT_PKCS11: row(
    "the library is not a PKCS#11 module",
    "Name the vendor's PKCS#11 library, not another one.",
  ),
  MODULE_REFUSED: row(
    "the PKCS#11 module is not one that may be loaded",
    "Use a module that root or you own, and that nobody else may write to (`chmod go-w`), folders included.",
  ),
  MODULE_FAILED: row(
    "the PKCS#11 module failed to start",
    "Check the module's own configuration and environment.",
  ),

  // Tokens
  TOKEN_NOT_FOUND: row(
    "no token matches the URI",
    "Connect the token, or correct the token attributes of the URI.",
  ),
  TOKEN_AMBIGUOUS: row(
    "several tokens match the URI",
    "Add what tells the candidates apart, such as token=, serial= or slot-id=, so that one is left.",
  ),
  TOKEN_REMOVED: row("the token was removed", "Connect the token again."),
  OBJECT_NOT_FOUND: row(
    "no object on the token matches the URI",
    "Correct object=, id= or type=; `ddscred ls pkcs11:token=LABEL` lists them, private keys where it has a PIN.",
  ),
  OBJECT_AMBIGUOUS: row("several objects match the URI", "Add id= to the URI so that one object is left."),
  OBJECT_EXISTS: row(
    "an object of this name is there already",
    "Choose another label (object=), or remove the old object first: `ddscred remove URI`.",
  ),
  OBJECT_UNNAMED: row("the URI does not name the object", "Add object=LABEL to the URI."),
  REMOVAL_REFUSED: row(
    "the object is not removed by such a URI",
    "A private key cannot be had back: add type=private to the URI where it is meant.",
  ),
  TOKEN_READ_ONLY: row(
    "the token cannot be written to",
    "Lift the write protection with the vendor's tool, or use another token.",
  ),
  PIN_REQUIRED: row(
    "the object needs a login and no PIN was given",
    "Add pin-source=file:/path to the URI, or call the program with --pin-source file:/path.",
  ),
  PIN_INCORRECT: row(
    "the token refused the PIN",
    "Correct the PIN before the next run: this used up one attempt, and a token locks after a few.",
  ),
  PIN_LOCKED: row(
    "the PIN is locked",
    "Unlock it with the security officer's PIN (PUK), by the vendor's tool.",
  ),
  PIN_REFUSED: row(
    "logging in was refused before the PIN was tried",
    "Mend the state of the PIN that is named first.",
  ),
  PIN_SOURCE_UNREADABLE: row(
    "the PIN source cannot be read",
    "Check that the pin-source exists and can be read.",
  ),
  PIN_SOURCE_REFUSED: row(
    "the pin-source is of a kind that is not allowed, or others have access to it",
    "Use pin-source=file:/path, a file of mode 0400 or 0600.",
  ),
  MECHANISM_UNSUPPORTED: row("the key cannot make this kind of signature", "Use a key that allows signing."),
  SESSION_LOST: row("the session with the token was lost", "Try again; the session is opened anew."),
  DEVICE_ERROR: row("the device reported an error", "Check the device and its connection."),
  TOKEN_ERROR: row("the token refused the call", "The CKR name says why; see PKCS#11 2.40 section 5.1."),

  // Calls
  ABORTED: row("the call was aborted", "Nothing to mend: the caller asked for it."),
  TIMEOUT: row("the call did not end in time", "Check the device; raise the deadline if it is only slow."),
  CLOSED: row("the backend is closed", "Open a new one."),
  UNSUPPORTED: row("this cannot be done here", "Use another backend or provider that can."),

  // Keys and signatures
  KEY_MISMATCH: row(
    "the private key does not belong to the certificate",
    "Name the key whose public half is in the certificate, or have a certificate issued for this key.",
  ),
  SIGNATURE_INVALID: row(
    "the signature is invalid",
    "The data, the signature or the key is not the one expected.",
  ),

  // Certificate paths
  EXPIRES_SOON: row(
    "a credential is good now, and ends soon",
    "Renew it before that day; `--warn-before` sets how early this is said.",
  ),
  CERTIFICATE_EXPIRED: row("the certificate has expired", "Have it renewed by its CA."),
  CERTIFICATE_NOT_YET_VALID: row(
    "the certificate is not valid yet",
    "Check the clock, or wait for its notBefore.",
  ),
  CERTIFICATE_REVOKED: row("the certificate is revoked", "Have a new one issued."),
  ISSUER_MISMATCH: row(
    "the certificate was not issued by this CA",
    "Name the CA that issued it, or have it issued by this one.",
  ),
  CA_INVALID: row("the CA certificate may not issue certificates", "Use a CA with basicConstraints CA:TRUE."),
  ALGORITHM_REFUSED: row(
    "the signature algorithm is not accepted",
    "Have it signed with SHA-256 or stronger.",
  ),
  EXTENSION_UNSUPPORTED: row(
    "a critical extension is not understood",
    "Have it issued without that extension.",
  ),
  NAME_CONSTRAINT_VIOLATED: row(
    "a name lies outside what a CA above it may certify",
    "Have it issued under a name that the CA's nameConstraints permit, or by another CA.",
  ),
  POLICY_REFUSED: row(
    "no certificate policy that is required is valid for the path",
    "Have it issued under the policy that the message names, by CAs that may assert it.",
  ),
  PURPOSE_REFUSED: row(
    "the certificate is for other purposes",
    "Have it issued with the keyUsage and extendedKeyUsage that are needed.",
  ),
  REVOCATION_UNKNOWN: row(
    "no usable revocation list says whether the certificate is revoked",
    "Fetch the current CRL of the CA that issued the certificate.",
  ),
  CA_NOT_TRUSTED: row(
    "the identity CA is not in the trusted-CA directory",
    "Put the PEM certificate of the identity CA into the folder, or name another one.",
  ),
  CRL_EXPIRED: row("the revocation list is out of date", "Fetch the current CRL of the CA."),
  PATH_REFUSED: row("the certificate path breaks a rule", "The message names the rule and the certificate."),

  // Signed documents
  DOCUMENT_NOT_SMIME: row(
    "the document is not S/MIME",
    "Sign it: `ddscred sign X.xml --key URI --cert CA.pem`, or `openssl smime -sign -text -in X.xml -out X.p7s ...`.",
  ),
  DOCUMENT_FORM_REFUSED: row(
    "the document is PKCS#7 in another form than S/MIME",
    "Sign without -outform: `openssl smime -sign -text ...` writes S/MIME by itself.",
  ),
  DOCUMENT_TEXT_HEADER_MISSING: row(
    "the signed content has no text/plain header",
    "Sign again with `-text`.",
  ),
  DOCUMENT_CHANGED: row(
    "the content was changed after it was signed",
    "Undo the change, or sign the XML again; never edit a .p7s by hand.",
  ),
  DOCUMENT_SIGNER_MISMATCH: row(
    "the document is not signed by the permissions CA",
    "Sign it with the permissions CA's own key, or name the CA that signed it.",
  ),
  DOCUMENT_DIFFERS: row(
    "the signed text is another than the one it is compared with",
    "Sign the XML again, or compare it with the document that was made of it.",
  ),
  CMS_INVALID: row("the PKCS#7 signature cannot be decoded", "Sign the document again."),
  XML_INVALID: row("the XML does not parse", "Correct the XML at the line and column named."),
  DESCRIPTION_INVALID: row(
    "the description of a deployment says something that no document can",
    "Correct the place named; `ddscred draft --help` shows what a description holds.",
  ),
  POLICY_INVALID: row(
    "the file is no policy of SROS 2 that can be turned into permissions",
    "Correct the place named; `ros2 security generate_policy` writes a policy of a running system.",
  ),
  DOCUMENT_INVALID: row("the document breaks the schema of DDS Security", "Correct the element named."),

  // Configurations
  CONFIG_INVALID: row("the configuration cannot be read as one", "Correct the place that is named."),
  SECURITY_MISSING: row(
    "the configuration has no Security section",
    "Add <Security> to the Domain that needs it.",
  ),
  PROPERTY_MISSING: row("a required property is missing", "Add the property that is named."),
  PROPERTY_CONFLICT: row("two properties exclude each other", "Remove one of the two."),
  VARIABLE_UNDEFINED: row(
    "an environment variable is not set",
    "Set the variable, or give a default: ${NAME:-value}.",
  ),
  PIN_EXPOSED: row(
    "a PIN stands in a file that others may read",
    "Restrict the file (`chmod 0600 FILE`), or take the PIN from a variable: pin-value=${DDS_PIN}.",
  ),
  PIN_INLINE: row(
    "the PIN stands in the configuration",
    "Take it from an environment variable: pin-value=${DDS_PIN}, or FASTDDS_PKCS11_PIN for Fast DDS.",
  ),
  SECRET_EXPOSED: row(
    "a passphrase or private key stands in a file that others may read",
    "Restrict the file (`chmod 0600 FILE`), or keep the secret in a file of its own.",
  ),
  KEY_EXPOSED: row(
    "others may read the file of an unencrypted private key",
    "Restrict the file: `chmod 0600 FILE`.",
  ),
  CA_SHARED: row(
    "one key serves two: a participant and its CA, or both CAs",
    "Use a CA with a key of its own: whoever holds it can issue certificates or sign permissions.",
  ),
  KEY_SHARED: row(
    "several participants have one key",
    "Give each participant a key of its own: with one key, each can act as the other.",
  ),
  SUBJECT_MISMATCH: row(
    "no grant is for the identity certificate's subject",
    "Write the certificate's subject into <subject_name>.",
  ),
  GRANT_EXPIRED: row("the grant is no longer valid", "Set a later not_after and sign the document again."),
  GRANT_NOT_YET_VALID: row("the grant is not valid yet", "Set an earlier not_before, or wait."),
  DOMAIN_NOT_COVERED: row(
    "no rule covers the domain",
    "Add the domain to a rule and sign the document again.",
  ),
  RULE_WITHOUT_EFFECT: row(
    "a rule of a document decides nothing",
    "Put the narrower rule first, or remove what is never reached.",
  ),
  PROTECTION_WEAK: row(
    "the governance leaves open what security is for",
    "Set the protection kinds to SIGN or ENCRYPT, and access control to true.",
  ),
  HANDSHAKE_LARGE: row(
    "the permissions document is too large for one message of the handshake",
    "Name topics by patterns, keep one grant in the document, and sign it without indentation.",
  ),
  GRANT_ALLOWS_NOTHING: row(
    "the grant allows no topic",
    "Add an allow_rule before the rule that denies everything, and sign the document again.",
  ),
  TOPIC_NOT_COVERED: row(
    "no rule covers the topic",
    "Add a topic_rule that matches the topic to the governance, and sign the document again.",
  ),
  ACCESS_DENIED: row(
    "the rules deny the access",
    "Add or move an allow_rule in the permissions, and sign the document again: the first rule that matches decides.",
  ),
  NOTHING_FLOWS: row(
    "two participants have nothing to say to each other",
    "Let one of them publish, and the other subscribe, the same topic, and sign the permissions again.",
  ),
  PEER_DIFFERS: row(
    "an implementation reads this otherwise",
    "Use the form that all implementations accept.",
  ),

  // Authentication
  HANDSHAKE_TOKEN_INVALID: row(
    "a token of the authentication handshake is malformed",
    "Compare what the peer sends with DDS-Security 9.3.2; the message names the field.",
  ),
  HANDSHAKE_TOKEN_UNEXPECTED: row(
    "a handshake message came that does not belong here now",
    "Check who begins: the participant with the lower GUID; the message that is due may still come.",
  ),
  HANDSHAKE_REPLAYED: row(
    "a handshake message belongs to another handshake, or is our own",
    "Send the messages of one handshake only; begin anew where the peer has restarted.",
  ),
  HANDSHAKE_ALGORITHM_REFUSED: row(
    "the peer names an algorithm that was not agreed on",
    "Configure both for ECDH+prime256v1-CEUM or DH+MODP-2048-256.",
  ),
  HANDSHAKE_IDENTITY_MISMATCH: row(
    "the peer's GUID does not fit its certificate",
    "Begin discovery anew; where it happens again, somebody claims another's GUID.",
  ),
  HANDSHAKE_SIGNATURE_INVALID: row(
    "the signature of a handshake message is invalid",
    "Check that the peer's private key belongs to its certificate.",
  ),
  HANDSHAKE_TIMEOUT: row(
    "the handshake did not advance in time",
    "Check that the peer runs and is reached, then begin anew.",
  ),
  INTERNAL: row("ddscred itself failed", "Report this with the command that caused it."),
} as const satisfies Record<string, CodeRow>;

/** The closed union of codes. */
export type ErrorCode = keyof typeof errorCodes;
