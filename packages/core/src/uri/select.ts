import { CredentialError } from "../errors/credential-error.ts";
import { parsePkcs11Uri } from "./rfc7512/parse.ts";

/** How candidates are named in errors. */
export interface CandidateNames<T> {
  /** A URI that names exactly this candidate. */
  uri(candidate: T): string;
  label(candidate: T): string;
}

export interface Wanted {
  /** The URI that was asked for. */
  readonly uri: string;
  readonly what: "certificate" | "private key" | "token" | "object";
}

/**
 * The one candidate, where one is wanted.
 *
 * `OBJECT_NOT_FOUND` (`TOKEN_NOT_FOUND` for tokens) where there is none; it names the labels among `all` that are
 * nearest to the one asked for, and their URIs as `candidates`. `OBJECT_AMBIGUOUS` (`TOKEN_AMBIGUOUS`) where there
 * are several, with the URI of each as `candidates`.
 *
 * @param all everything of the kind wanted, whether it matches or not
 */
export function selectOne<T>(
  candidates: readonly T[],
  all: readonly T[],
  describe: CandidateNames<T>,
  wanted: Wanted,
): T {
  const [first] = candidates;
  if (first !== undefined && candidates.length === 1) return first;
  throw candidates.length === 0 ? notFound(all, describe, wanted) : ambiguous(candidates, describe, wanted);
}

/**
 * At most three of the existing labels that could be meant by the wanted one, the nearest first, by edit distance
 * without regard to case. None where all are far from it.
 */
export function nearest(wanted: string, existing: readonly string[]): string[] {
  const target = comparable(wanted);
  return closest(wanted, existing).filter((label) => {
    const other = comparable(label);
    const [short, long] = target.length < other.length ? [target, other] : [other, target];
    if (short.length >= MIN_PREFIX && long.startsWith(short)) return true;
    return editDistance(target, other, Number.POSITIVE_INFINITY) <= Math.max(1, long.length * MAX_DIFFERENCE);
  });
}

/** The three labels with the least edit distance, however far they are. */
function closest(wanted: string, existing: readonly string[]): string[] {
  const target = comparable(wanted);
  const best: { label: string; distance: number }[] = [];
  for (const label of new Set(existing)) {
    const bound = best.length < MAX_NEAREST ? Number.POSITIVE_INFINITY : (best.at(-1)?.distance ?? 0);
    const distance = editDistance(target, comparable(label), bound);
    if (distance >= bound) continue;
    const place = best.findIndex((known) => distance < known.distance);
    best.splice(place === -1 ? best.length : place, 0, { label, distance });
    best.length = Math.min(best.length, MAX_NEAREST);
  }
  return best.map(({ label }) => label);
}

function notFound<T>(all: readonly T[], describe: CandidateNames<T>, wanted: Wanted): CredentialError {
  const labels = closest(
    wantedLabel(wanted),
    all.map((candidate) => describe.label(candidate)),
  );
  const near = labels.flatMap((label) => all.find((candidate) => describe.label(candidate) === label) ?? []);
  const existing =
    all.length === 0
      ? `there is no ${wanted.what} at all`
      : `${all.length === labels.length ? "there is" : "nearest of those that exist:"} ${labels.map(quoted).join(", ")}`;
  const label = wantedLabel(wanted);
  const failed =
    label === "" ? `no ${wanted.what} matches the URI` : `no ${wanted.what} matches ${quoted(label)}`;
  return new CredentialError(
    wanted.what === "token" ? "TOKEN_NOT_FOUND" : "OBJECT_NOT_FOUND",
    `${failed}; ${existing}`,
    {
      uri: wanted.uri,
      candidates: near.map((candidate) => describe.uri(candidate)),
      ...(wanted.what === "token" && all.length === 0 ? { hint: NO_TOKEN_AT_ALL } : {}),
    },
  );
}

const NO_TOKEN_AT_ALL =
  "Connect the token. The module knows none: is its own configuration found, such as SOFTHSM2_CONF for SoftHSM?";

function ambiguous<T>(
  candidates: readonly T[],
  describe: CandidateNames<T>,
  wanted: Wanted,
): CredentialError {
  const uris = candidates.map((candidate) => describe.uri(candidate));
  const labels = [...new Set(candidates.map((candidate) => describe.label(candidate)))];
  const listed = labels.slice(0, MAX_NAMED).map(quoted).join(", ");
  const more = labels.length > MAX_NAMED ? ` and ${labels.length - MAX_NAMED} more` : "";
  return new CredentialError(
    wanted.what === "token" ? "TOKEN_AMBIGUOUS" : "OBJECT_AMBIGUOUS",
    `${uris.length} ${wanted.what}s match the URI: ${listed}${more}`,
    { uri: wanted.uri, candidates: uris },
  );
}

function wantedLabel(wanted: Wanted): string {
  try {
    const { token = "", object = "" } = parsePkcs11Uri(wanted.uri, { lenient: true }).path;
    return wanted.what === "token" ? token : object;
  } catch {
    return "";
  }
}

function quoted(label: string): string {
  return label === ""
    ? "one without a label"
    : JSON.stringify(label.length > 80 ? `${label.slice(0, 80)}\u2026` : label);
}

function comparable(label: string): string {
  return label.slice(0, MAX_COMPARED).normalize("NFC").toLowerCase().slice(0, MAX_COMPARED);
}

/** Levenshtein distance, or Infinity as soon as it cannot be below the bound. Texts are short: it fits a byte. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return Number.POSITIVE_INFINITY;
  let previous = Uint8Array.from({ length: b.length + 1 }, (_, column) => column);
  let current = new Uint8Array(b.length + 1);
  for (let row = 1; row <= a.length; row++) {
    const code = a.charCodeAt(row - 1);
    let left = row;
    let least = row;
    current[0] = row;
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (code === b.charCodeAt(column - 1) ? 0 : 1);
      left = Math.min(substitution, (previous[column] ?? 0) + 1, left + 1);
      current[column] = left;
      if (left < least) least = left;
    }
    if (least >= bound) return Number.POSITIVE_INFINITY;
    [previous, current] = [current, previous];
  }
  return previous[b.length] ?? 0;
}

const MAX_NEAREST = 3;
const MIN_PREFIX = 3;
/** Of the longer label: what differs in more is not a misspelling. */
const MAX_DIFFERENCE = 0.4;
/** Labels in a message; `candidates` has all. */
const MAX_NAMED = 3;
/** Labels are compared by so many characters at most. */
const MAX_COMPARED = 64;
