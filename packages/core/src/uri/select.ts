import { CredentialError } from "../errors/credential-error.ts";
import { closest } from "./nearest.ts";
import { misnamedAttribute } from "./rfc7512/misnamed.ts";
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
  /** Where was looked, in words, where the caller did not name the place. */
  readonly where?: string | undefined;
}

/**
 * The one candidate, where one is wanted.
 *
 * `OBJECT_NOT_FOUND` (`TOKEN_NOT_FOUND` for tokens) where there is none; it names the labels among `all` that are
 * nearest to the one asked for, and their URIs as `candidates`. `OBJECT_AMBIGUOUS` (`TOKEN_AMBIGUOUS`) where there
 * are several, with the URI of each as `candidates`, of fifty at most.
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

function notFound<T>(all: readonly T[], describe: CandidateNames<T>, wanted: Wanted): CredentialError {
  const { uri, what, where } = wanted;
  const code = what === "token" ? "TOKEN_NOT_FOUND" : "OBJECT_NOT_FOUND";
  const misnamed = misnamedIn(uri);
  if (misnamed !== undefined)
    return new CredentialError(code, `no ${what} matches the URI: ${misnamed}`, { uri, hint: MISNAMED });
  const label = wantedLabel(wanted);
  const labels = closest(
    label,
    all.map((candidate) => describe.label(candidate)),
  );
  const near = labels.flatMap((one) => all.find((candidate) => describe.label(candidate) === one) ?? []);
  const candidates = near.map((candidate) => describe.uri(candidate));
  // The nearest of the labels is the one that was asked for.
  if (label !== "" && labels.includes(label)) {
    const message = `no ${what} matches the URI: ${quoted(label)} is there, and another attribute of the URI does not fit`;
    return new CredentialError(code, message, { uri, candidates });
  }
  const failed = label === "" ? `no ${what} matches the URI` : `no ${what} matches ${quoted(label)}`;
  const existing =
    all.length === 0
      ? `there is no ${what} at all${where === undefined ? "" : ` behind ${where}`}`
      : `${all.length === labels.length ? "there is" : "nearest of those that exist:"} ${labels.map(quoted).join(", ")}`;
  return new CredentialError(code, `${failed}; ${existing}`, {
    uri,
    candidates,
    ...(what === "token" && all.length === 0 ? { hint: NO_TOKEN_AT_ALL } : {}),
  });
}

const NO_TOKEN_AT_ALL =
  "Connect the token. The module knows none: is its own configuration found, such as SOFTHSM2_CONF for SoftHSM, TPM2_PKCS11_STORE for a TPM, the server of P11_KIT_SERVER_ADDRESS for p11-kit? `ddscred doctor` examines modules and who names them.";

function ambiguous<T>(
  candidates: readonly T[],
  describe: CandidateNames<T>,
  wanted: Wanted,
): CredentialError {
  const uris = candidates.slice(0, MAX_CANDIDATES).map((candidate) => describe.uri(candidate));
  const labels = [...new Set(candidates.map((candidate) => describe.label(candidate)))];
  const listed = labels.slice(0, MAX_NAMED).map(quoted).join(", ");
  const more = labels.length > MAX_NAMED ? ` and ${labels.length - MAX_NAMED} more` : "";
  return new CredentialError(
    wanted.what === "token" ? "TOKEN_AMBIGUOUS" : "OBJECT_AMBIGUOUS",
    `${candidates.length} ${wanted.what}s match the URI: ${listed}${more}`,
    { uri: wanted.uri, candidates: uris },
  );
}

/** What is most likely wrong with the URI itself. */
function misnamedIn(uri: string): string | undefined {
  try {
    return misnamedAttribute(parsePkcs11Uri(uri));
  } catch {
    return undefined;
  }
}

const MISNAMED = "Correct the attribute; `ddscred uri parse URI` explains each.";

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

/** Labels in a message. */
const MAX_NAMED = 3;
/** URIs of an ambiguity: who has more to choose from needs a better URI, not a longer list. */
const MAX_CANDIDATES = 50;
