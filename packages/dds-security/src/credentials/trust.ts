import {
  type Certificate,
  CredentialError,
  formatName,
  parseRevocationList,
  type Resolver,
  type RevocationList,
  sameBytes,
  uriScheme,
} from "@ddscred/core";

/** One entry of the trusted-CA directory: the first certificate of a file, or why there is none. */
export interface TrustedCaFile {
  readonly name: string;
  readonly certificate?: Certificate;
  readonly problem?: CredentialError;
}

/** Reads the trusted-CA directory, which the configuration names by a plain path. It throws CredentialErrors only. */
export type ReadCaFolder = (path: string) => Promise<readonly TrustedCaFile[]>;

/** The CAs of the directory, and the files that Cyclone DDS passes over in silence. */
export interface TrustedCas {
  readonly certificates: readonly Certificate[];
  readonly passedOver: readonly TrustedCaFile[];
}

/** Cyclone DDS loads no more. */
const MAX_TRUSTED_CAS = 100;

/**
 * Opens `dds.sec.auth.trusted_ca_dir` as Cyclone DDS does: every file of the folder, without its subfolders, in PEM, its first
 * certificate, and of those the ones with keys that it knows.
 *
 * @throws CredentialError `URI_SCHEME_REFUSED` (it is no URI), `UNSUPPORTED` (nothing here reads folders),
 * `CA_NOT_TRUSTED` (more than 100), and those of the reader
 */
export async function openTrustedCas(
  path: string,
  readFolder: ReadCaFolder | undefined,
): Promise<TrustedCas> {
  const scheme = uriScheme(path);
  if (scheme === "file" || scheme === "data" || scheme === "pkcs11") {
    throw new CredentialError(
      "URI_SCHEME_REFUSED",
      "TrustedCADirectory is the plain path of a folder, not a URI: Cyclone DDS looks for a folder of this very name",
      { uri: path, hint: "Write the path without file:." },
    );
  }
  if (readFolder === undefined) {
    throw new CredentialError("UNSUPPORTED", "nothing here reads the folder of trusted CAs");
  }
  const files = await readFolder(path);
  const isKnown = ({ certificate }: TrustedCaFile) => certificate !== undefined && hasKnownKey(certificate);
  const certificates = files.filter(isKnown).flatMap(({ certificate }) => certificate ?? []);
  if (certificates.length > MAX_TRUSTED_CAS) {
    const problem = `the folder holds ${certificates.length} CAs; Cyclone DDS refuses more than ${MAX_TRUSTED_CAS}`;
    const hint = "Leave only the CAs in the folder that participants really have.";
    throw new CredentialError("CA_NOT_TRUSTED", problem, { hint, rule: "trusted-ca-count" });
  }
  return { certificates, passedOver: files.filter((file) => !isKnown(file)) };
}

/** The first identity CA is one of those trusted; an empty folder restricts nothing. */
export function checkTrusted(identityCa: Certificate, { certificates }: TrustedCas): void {
  if (certificates.length === 0 || certificates.some(({ der }) => sameBytes(der, identityCa.der))) return;
  const problem = `the identity CA ${formatName(identityCa.subject)} is none of the ${certificates.length} in the folder`;
  throw new CredentialError("CA_NOT_TRUSTED", problem);
}

/** The lists that a CRL property names, decoded. */
export async function openRevocationLists(
  uri: string,
  resolver: Resolver,
): Promise<readonly RevocationList[]> {
  const lists = await resolver.revocationLists(uri);
  return lists.map((list) => parseRevocationList(list));
}

/**
 * Whether Cyclone DDS knows a key of an identity or its CA: RSA of exactly 2048 bits, or EC of exactly 256, which are the
 * keys of DDS-Security 1.1 9.3.1.1 but for the curve, at which it does not look.
 */
export function hasKnownKey({ publicKey: { keyType, bits } }: Certificate): boolean {
  return (keyType === "rsa" && bits === 2048) || (keyType === "ec" && bits === 256);
}
