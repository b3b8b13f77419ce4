import {
  type Certificate,
  CredentialError,
  type CryptoProvider,
  ddsIdentityProfile,
  encodePem,
  type KeyAgreementGroup,
  matchKey,
  type PathInput,
  pathValidator,
  type Signer,
  utf8Bytes,
  type ValidatedPath,
  validatePath,
  verifyDocument,
} from "@ddscred/core";
import { signingOf } from "./algorithms.ts";
import type { DataHolder } from "./data-holder.ts";
import { adjustedGuid, checkGuid } from "./guid.ts";
import { keepCredentials } from "./local-credentials.ts";
import {
  decodeParticipantData,
  encodeParticipantData,
  type ParticipantSecurityInfo,
} from "./parameter-list.ts";
import type { ModpEncoding } from "./public-value.ts";
import { identityToken, permissionsToken } from "./tokens.ts";

/** What a participant authenticates with, and how. */
export interface LocalIdentityOptions {
  /** The end entity's first, then perhaps those between it and the CA. */
  readonly certificates: readonly Certificate[];
  readonly signer: Signer;
  /** The CAs that identities are validated against, our own and the peer's. */
  readonly identityCa: readonly Certificate[];
  /** Further CAs that only peers' identities are validated against: a directory of trusted CAs. */
  readonly trustedCas?: readonly Certificate[];
  /** In which our own certificate, the peer's, and those above them are looked up. */
  readonly revocation?: NonNullable<PathInput["revocation"]>;
  /** Verifies the permissions documents, our own and the peer's. */
  readonly permissionsCa: Certificate;
  /** Our permissions document as signed: S/MIME. */
  readonly permissionsDocument: Uint8Array;
  readonly crypto: CryptoProvider;
  /** 16 octets, the last four the entity id. Default: random, a participant's. */
  readonly candidateGuid?: Uint8Array;
  /** What `c.pdata` announces of the Governance, if anything. */
  readonly securityInfo?: ParticipantSecurityInfo;
  /**
   * `c.pdata` as a DDS implementation announces this participant, in place of the least that is needed: a big-endian
   * parameter list with its adjusted GUID, which then is the one that counts.
   */
  readonly participantData?: Uint8Array;
  /** Which key agreement to propose as initiator. Default P-256, which every implementation knows. */
  readonly keyAgreement?: KeyAgreementGroup;
  /** How to write a MODP number as initiator. Default `raw`; Cyclone DDS reads `der` alone. */
  readonly modpEncoding?: ModpEncoding;
  /** As initiator, end texts with a NUL. Default true; RustDDS takes none. A replier does as the initiator did. */
  readonly trailingNul?: boolean;
  /** How long a handshake may take, in milliseconds. Default 100,000, as Cyclone DDS. */
  readonly timeout?: number;
}

/** A participant that may authenticate: only {@link validateLocalIdentity} makes one. */
export interface LocalIdentity {
  readonly certificate: Certificate;
  readonly path: ValidatedPath;
  /** 16 octets, adjusted. */
  readonly guid: Uint8Array;
  /** To announce at discovery. */
  readonly identityToken: DataHolder;
  readonly permissionsToken: DataHolder;
}

/**
 * Checks a participant's own credentials and adjusts its GUID (DDS-Security 1.1 9.3.3, validate_local_identity).
 *
 * @param at the moment for which everything must be valid
 * @throws CredentialError what is wrong with certificate, key or document, as validatePath and verifyDocument say;
 * `KEY_MISMATCH`; `KEY_UNSUPPORTED`
 */
export async function validateLocalIdentity(
  options: LocalIdentityOptions,
  { at }: { readonly at: Date },
): Promise<LocalIdentity> {
  const { crypto, signer, identityCa, permissionsCa, revocation } = options;
  const pathOptions = revocation === undefined ? {} : { revocation };
  const [certificate, ...intermediates] = options.certificates;
  const [ca] = identityCa;
  if (certificate === undefined || ca === undefined)
    throw new TypeError("certificates and identityCa hold one");
  const path = await validatePath({
    ...pathOptions,
    leaf: certificate,
    intermediates,
    anchors: identityCa,
    at,
    crypto,
    profile: ddsIdentityProfile,
  });
  matchKey(certificate, signer, "");
  const { scheme } = signingOf(certificate.publicKey);
  if (!signer.schemes.some(({ name }) => name === scheme.name)) {
    throw new CredentialError("MECHANISM_UNSUPPORTED", `the identity key cannot sign by ${scheme.name}`);
  }
  const permissionsDocument = options.permissionsDocument.slice();
  await verifyDocument(permissionsDocument, { ca: permissionsCa, crypto });
  const candidateGuid = options.candidateGuid?.slice() ?? randomGuid(crypto);
  const guid =
    options.participantData === undefined
      ? await adjustedGuid(certificate.subject, candidateGuid, crypto)
      : await boundGuid(options.participantData, certificate, crypto);
  const tokens = {
    identityToken: identityToken(certificate, path.anchor),
    permissionsToken: permissionsToken(permissionsCa),
  };
  const { securityInfo } = options;
  const participantData =
    options.participantData?.slice() ??
    encodeParticipantData({ guid, ...tokens, ...(securityInfo && { securityInfo }) });
  const local: LocalIdentity = Object.freeze({ certificate, path, guid, ...tokens });
  keepCredentials(local, {
    signer,
    validatePeer: pathValidator({
      ...pathOptions,
      anchors: [...identityCa, ...(options.trustedCas ?? [])],
      crypto,
      profile: ddsIdentityProfile,
    }),
    permissionsCa,
    permissionsDocument,
    crypto,
    keyAgreement: options.keyAgreement ?? "P-256",
    modpEncoding: options.modpEncoding ?? "raw",
    trailingNul: options.trailingNul ?? true,
    timeout: options.timeout ?? DEFAULT_TIMEOUT,
    identity: utf8Bytes(encodePem("CERTIFICATE", certificate.der)),
    participantData,
  });
  return local;
}

async function boundGuid(
  participantData: Uint8Array,
  { subject }: Certificate,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  const { guid } = decodeParticipantData(participantData);
  await checkGuid(guid, subject, crypto);
  return guid;
}

/** The entity id of a participant is 000001c1 (DDSI-RTPS 9.3.1.3). */
function randomGuid(crypto: CryptoProvider): Uint8Array {
  return Uint8Array.from([...crypto.randomBytes(12), 0, 0, 1, 0xc1]);
}

const DEFAULT_TIMEOUT = 100_000;
