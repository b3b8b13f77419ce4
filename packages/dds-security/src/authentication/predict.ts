import type { Certificate } from "@ddscred/core";

/** Implementations whose way to authenticate is known. */
export const implementations = ["cyclonedds", "fastdds", "opendds", "rustdds", "ddscred"] as const;

export type Implementation = (typeof implementations)[number];

/** How an implementation writes handshake messages, and what it takes. */
interface Habits {
  /** What it ends texts with as initiator; and as replier, whatever the initiator did. */
  readonly writes: { readonly initiator: Nul; readonly replier: Nul | "echo" };
  /** What it takes. */
  readonly reads: { readonly initiator: Nul | "both"; readonly replier: Nul | "both" };
  /** Whether its messages hold the optional fields, and whether it needs them in a peer's. */
  readonly optional: { readonly sends: boolean; readonly needs: boolean };
  /** A number of MODP. */
  readonly modp: "der" | "raw" | "both";
  /** The key agreement that it proposes, by the key of its identity CA. */
  readonly proposes: (ca: Certificate) => "ECDH" | "DH";
  readonly rsa: boolean;
}

type Nul = "nul" | "bare";

const ecdh = () => "ECDH" as const;

/** By their sources and, for Cyclone DDS and Fast DDS, by running them. */
const habits: Readonly<Record<Implementation, Habits>> = {
  cyclonedds: {
    writes: { initiator: "nul", replier: "nul" },
    reads: { initiator: "both", replier: "both" },
    optional: { sends: false, needs: false },
    modp: "der",
    proposes: ecdh,
    rsa: true,
  },
  fastdds: {
    writes: { initiator: "bare", replier: "bare" },
    reads: { initiator: "bare", replier: "both" },
    optional: { sends: true, needs: true },
    modp: "raw",
    proposes: ({ publicKey }) => (publicKey.keyType === "rsa" ? "DH" : "ECDH"),
    rsa: true,
  },
  opendds: {
    writes: { initiator: "nul", replier: "nul" },
    reads: { initiator: "nul", replier: "nul" },
    optional: { sends: true, needs: false },
    modp: "raw",
    proposes: ecdh,
    rsa: true,
  },
  rustdds: {
    writes: { initiator: "bare", replier: "bare" },
    reads: { initiator: "bare", replier: "bare" },
    optional: { sends: true, needs: true },
    modp: "raw",
    proposes: ecdh,
    rsa: false,
  },
  ddscred: {
    writes: { initiator: "nul", replier: "echo" },
    reads: { initiator: "both", replier: "both" },
    optional: { sends: true, needs: false },
    modp: "both",
    proposes: ecdh,
    rsa: true,
  },
};

/** Pairs that were run against each other, initiator first. */
const run = new Set([
  "cyclonedds cyclonedds",
  "fastdds fastdds",
  "cyclonedds fastdds",
  "fastdds cyclonedds",
  "cyclonedds ddscred",
  "ddscred cyclonedds",
]);

/** How a handshake of two implementations will go. */
export interface HandshakePrediction {
  readonly initiator: Implementation;
  readonly replier: Implementation;
  readonly completes: boolean;
  /** What the initiator proposes, as Table 49 names it. */
  readonly keyAgreement: "ECDH+prime256v1-CEUM" | "DH+MODP-2048-256";
  /** Why it does not complete. */
  readonly reason?: string;
  /** `run`: these two were run against each other; `read`: it follows from their sources. */
  readonly known: "run" | "read";
}

/** Two participants whose credentials fit, the initiator first. */
export interface PredictedParticipant {
  readonly certificate: Certificate;
  readonly identityCa: Certificate;
}

/**
 * Whether two implementations complete a handshake, given participants whose credentials each accepts. Versions of
 * 2026; each with its default options.
 */
export function predictHandshake(
  [one, initiator]: readonly [Implementation, PredictedParticipant],
  [other, replier]: readonly [Implementation, PredictedParticipant],
): HandshakePrediction {
  const agreement = habits[one].proposes(initiator.identityCa);
  const reason = obstacle(one, other, agreement, [initiator.certificate, replier.certificate]);
  return {
    initiator: one,
    replier: other,
    completes: reason === undefined,
    keyAgreement: agreement === "ECDH" ? "ECDH+prime256v1-CEUM" : "DH+MODP-2048-256",
    ...(reason !== undefined && { reason }),
    known: run.has(`${one} ${other}`) ? "run" : "read",
  };
}

function obstacle(
  one: Implementation,
  other: Implementation,
  agreement: "ECDH" | "DH",
  certificates: readonly Certificate[],
): string | undefined {
  const [begins, answers] = [habits[one], habits[other]];
  const rsa = certificates.some(({ publicKey }) => publicKey.keyType === "rsa");
  const withoutRsa = [one, other].find((name) => !habits[name].rsa);
  if (rsa && withoutRsa !== undefined) return `${withoutRsa} has no RSA identities`;
  if (agreement === "DH" && ![begins.modp, answers.modp].includes("both") && begins.modp !== answers.modp) {
    return `${one} writes numbers of Diffie-Hellman as ${begins.modp}, ${other} reads ${answers.modp}`;
  }
  const asked = begins.writes.initiator;
  const answered = answers.writes.replier === "echo" ? asked : answers.writes.replier;
  const word = { nul: "with", bare: "without" };
  if (![asked, "both"].includes(answers.reads.replier)) {
    return `${one} sends names of algorithms ${word[asked]} a NUL, ${other} does not accept that in a request`;
  }
  if (![answered, "both"].includes(begins.reads.initiator)) {
    return `${other} sends names of algorithms ${word[answered]} a NUL, ${one} does not accept that in a reply`;
  }
  if (begins.optional.needs && !answers.optional.sends) return `${other} leaves out fields that ${one} needs`;
  if (one === "cyclonedds" && other === "rustdds") return `${one} leaves out fields that ${other} needs`;
  return undefined;
}
