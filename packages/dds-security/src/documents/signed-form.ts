import { keyUsage, type VerifiedDocument } from "@ddscred/core";

/** Implementations whose reading of signed documents is known. */
export const documentReaders = {
  cyclonedds: "Cyclone DDS",
  "cyclonedds-0.10": "Cyclone DDS 0.10",
  fastdds: "Fast DDS",
  opendds: "OpenDDS",
  rustdds: "RustDDS",
} as const;
export type DocumentReader = keyof typeof documentReaders;

/** What some implementations do not accept in a signature that is good by the specification. */
export interface SignedFormLimit {
  readonly readers: readonly DocumentReader[];
  /** A sentence without its subject: `signatures that name ... are not read`. */
  readonly message: string;
  readonly hint: string;
}

interface Row extends SignedFormLimit {
  exceeded(document: VerifiedDocument, at: Date | undefined): boolean;
}

/** Those that verify with PKCS7_verify of OpenSSL. */
const OPENSSL = ["cyclonedds", "cyclonedds-0.10", "fastdds", "opendds"] as const;

const rows: readonly Row[] = [
  {
    readers: OPENSSL,
    message: "a signature that names its signer by key identifier is not accepted",
    hint: "Sign the document again without `-keyid`.",
    exceeded: ({ signerIdentifier }) => signerIdentifier === "subjectKeyIdentifier",
  },
  {
    readers: OPENSSL,
    message: "RSASSA-PSS is not accepted in documents",
    hint: "Sign the document again with RSASSA-PKCS1-v1_5, the default of `ddscred sign`.",
    exceeded: ({ scheme }) => scheme.padding === "pss",
  },
  {
    readers: OPENSSL,
    message: "base64 in lines of more than 1,022 characters is not read",
    hint: "Sign the document again with `ddscred sign`, or break the lines of its base64.",
    exceeded: ({ base64Line }) => base64Line > 1022,
  },
  {
    readers: ["cyclonedds-0.10"],
    message: "the permissions CA's certificate must be in the signature",
    hint: "Sign the document again without `-nocerts`.",
    exceeded: ({ signerIncluded }) => !signerIncluded,
  },
  {
    readers: ["cyclonedds-0.10"],
    message: "the permissions CA's keyUsage must allow digital signatures",
    hint: "Issue the CA certificate anew with digitalSignature in its keyUsage.",
    exceeded: ({ signer }) => {
      const usage = keyUsage(signer);
      return usage !== undefined && !usage.has("digitalSignature") && !usage.has("nonRepudiation");
    },
  },
  {
    readers: ["fastdds", "cyclonedds-0.10"],
    message: "the permissions CA must be valid at the time of reading",
    hint: "Have the CA certificate renewed.",
    exceeded: ({ signer }, at) => at !== undefined && (at < signer.notBefore || at > signer.notAfter),
  },
  {
    readers: ["rustdds"],
    message: "only permissions CAs on P-256 are known",
    hint: "Use a permissions CA on P-256 where RustDDS takes part.",
    exceeded: ({ scheme }) => scheme.curve !== "P-256",
  },
  {
    readers: ["rustdds"],
    message: "only detached signatures over signed attributes with SHA-256 are read",
    hint: "Sign the document again with `ddscred sign`.",
    exceeded: ({ scheme, form, signedAttributes }) =>
      scheme.hash !== "SHA-256" || form === "opaque" || !signedAttributes,
  },
];

/**
 * The limits that the signature of a verified document exceeds; most documents none.
 *
 * @param at the moment of reading; without it the CA's dates are not looked at
 */
export function signedFormLimits(document: VerifiedDocument, at?: Date): readonly SignedFormLimit[] {
  return rows
    .filter((row) => row.exceeded(document, at))
    .map(({ readers, message, hint }) => ({ readers, message, hint }));
}
