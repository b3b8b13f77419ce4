import type { Certificate, CredentialError, PathExplanation, PathNote, RejectedPath } from "@ddscred/core";
import { type ShownCertificate, shownCertificate } from "./certificate.ts";

/** By which rules, and for which moment. */
interface Asked {
  readonly profile: string;
  readonly at: string;
}

/** What is wrong, or worth knowing, with the place of the rule. */
export interface PathFinding {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint?: string;
  readonly rule?: string;
  readonly section?: string;
  readonly subject?: string;
  readonly uri?: string;
  readonly peers?: CredentialError["peers"];
}

/** What is told of a certificate: whether it is good, and by which path. */
export interface PathReport extends Asked {
  readonly ok: boolean;
  /** The certificate that was asked about; absent where it could not be read. */
  readonly certificate?: ShownCertificate;
  /** Leaf first, CA last; empty where there is none that holds. */
  readonly path: readonly ShownCertificate[];
  readonly revocation: string;
  readonly policies: readonly string[];
  readonly findings: readonly PathFinding[];
  /** Only with `--explain`: leaf first, up to where the rule was broken. */
  readonly rejected?: readonly {
    readonly path: readonly string[];
    readonly code: string;
    readonly message: string;
  }[];
}

/** The report of a search for a path; with `explain` also the paths that it gave up. */
export function pathReport(
  asked: Asked,
  found: { leaf: Certificate; explanation: PathExplanation; explain: boolean },
): PathReport {
  const { leaf, explanation, explain } = found;
  const report = { ...asked, certificate: shownCertificate(leaf, "certificate"), ...told(explanation) };
  return explain ? { ...report, rejected: explanation.rejected.map(shownRejection) } : report;
}

/** The report where there was nothing to search with; `leaf` where at least the certificate could be read. */
export function failureReport(
  asked: Asked,
  leaf: Certificate | undefined,
  error: CredentialError,
): PathReport {
  const certificate = leaf && { certificate: shownCertificate(leaf, "certificate") };
  return { ok: false, ...asked, ...certificate, ...NOTHING, findings: [findingOf(error)] };
}

function told({ path, error }: PathExplanation): Omit<PathReport, keyof Asked> {
  if (path === undefined) {
    return { ok: false, ...NOTHING, findings: error === undefined ? [] : [findingOf(error)] };
  }
  const last = path.certificates.length - 1;
  const role = (index: number) => (index === last ? "CA" : index === 0 ? "certificate" : "intermediate CA");
  return {
    ok: true,
    path: path.certificates.map((certificate, index) => shownCertificate(certificate, role(index))),
    revocation: path.revocation,
    policies: path.policies.user,
    findings: path.notes.map(noteOf),
  };
}

/** What is said of a path that holds; the codes are those of check. */
function noteOf({ rule, message }: PathNote): PathFinding {
  if (rule === "leaf-is-anchor") return { code: "CA_SHARED", severity: "warning", message, rule };
  const peers = { reject: ["fastdds"], accept: ["cyclonedds"] };
  return { code: "PEER_DIFFERS", severity: "warning", message, rule, peers };
}

function findingOf(error: CredentialError): PathFinding {
  const { code, message, hint, rule, section, subject, uri, peers } = error;
  return {
    code,
    severity: "error",
    message,
    hint,
    ...(rule === undefined ? {} : { rule }),
    ...(section === undefined ? {} : { section }),
    ...(subject === undefined ? {} : { subject }),
    ...(uri === undefined ? {} : { uri }),
    ...(peers === undefined ? {} : { peers }),
  };
}

function shownRejection({ certificates: path, error }: RejectedPath) {
  const names = path.map((certificate) => shownCertificate(certificate, "").subject);
  return { path: names, code: error.code, message: error.message };
}

const NOTHING = { path: [], revocation: "not-asked", policies: [] } as const;
