import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  crlsFromPem,
  ddsIdentityProfile,
  explainPath,
  type PathExplanation,
  type PathNote,
  type PathProfile,
  parseCertificate,
  parseRevocationList,
  type RejectedPath,
  type Resolver,
  type RevocationList,
  rfc5280Profile,
  strictProfile,
  uriScheme,
} from "@ddscred/core";
import { type ShownCertificate, shownCertificate } from "../../documents/certificate.ts";
import { renderPath } from "../../documents/render.ts";
import { EXIT, UsageError } from "../../exit.ts";
import { uriOf } from "../../input.ts";
import type { Verb } from "../../main.ts";
import { type Arguments, readArguments, readFormat, readMoment } from "../../options.ts";
import { tokenOptions, tokenUsage, tokenWiring } from "../../pin/options.ts";
import { exitOf } from "../../terminal/errors.ts";
import { printJson } from "../../terminal/json.ts";
import { brief, LABEL, type Style, styleOf, wrap } from "../../terminal/style.ts";
import { wire } from "../../wiring.ts";

const usage = `Usage: ddscred cert verify [OPTIONS] FILE|URI --ca URI

Says whether a certificate is good under a CA by RFC 5280, and draws the path.
Further certificates in FILE may stand between, in any order.

  FILE|URI              the certificate: a path, file:, data: or pkcs11:; PEM or
                        DER
  --ca URI              a CA that is trusted; repeat it
  --intermediate URI    certificates that may stand between; repeat it
  --crl URI             revocation lists; repeat it. With one, every certificate
                        below the CA must be covered by a list that is in date
  --profile NAME        dds: an identity of DDS Security (default); rfc5280: no
                        more than RFC 5280 section 6; strict: also the form
                        that RFC 5280 section 4 prescribes
  --purpose NAME        what it is to be used for: serverAuth, clientAuth,
                        emailProtection, ..., or an OID
  --at TIME             judge another moment: 2027-01-31 or
                        2027-01-31T12:00:00Z
  --explain             also tell every path that was tried, and why it fell
${tokenUsage}
  --format text|json    default text

Exit status: 0 good, 1 not good, 2 wrong usage, 3 a device failed.

  ddscred cert verify alice.pem --ca identity_ca.pem
  ddscred cert verify alice.pem --ca ca.pem --crl ca.crl.pem --at 2030-01-01
`;

export const verb: Verb = { usage, run };

const profiles: Readonly<Record<string, PathProfile>> = {
  dds: ddsIdentityProfile,
  rfc5280: rfc5280Profile,
  strict: strictProfile,
};

/** What is wrong, or worth knowing, with the place of the rule. */
interface Finding {
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

interface Report {
  readonly ok: boolean;
  readonly profile: string;
  readonly at: string;
  /** The certificate that was asked about; absent where it could not be read. */
  readonly certificate?: ShownCertificate;
  /** Leaf first, CA last; empty where there is none that holds. */
  readonly path: readonly ShownCertificate[];
  readonly revocation: string;
  readonly policies: readonly string[];
  readonly findings: readonly Finding[];
  /** Only with `--explain`: leaf first, up to where the rule was broken. */
  readonly rejected?: readonly {
    readonly path: readonly string[];
    readonly code: string;
    readonly message: string;
  }[];
}

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ca: { type: "string", multiple: true },
    intermediate: { type: "string", multiple: true },
    crl: { type: "string", multiple: true },
    profile: { type: "string" },
    purpose: { type: "string" },
    at: { type: "string" },
    explain: { type: "boolean" },
    ...tokenOptions,
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const report = await examine(args);
  if (format === "json") printJson(report);
  else process.stdout.write(render(report, styleOf(process.stdout)));
  return report.ok ? EXIT.good : exitOf(report.findings);
}

async function examine(args: Arguments): Promise<Report> {
  const [value, ...more] = args.positionals;
  if (value === undefined || more.length > 0) throw new UsageError("name one certificate");
  if (args.list("ca").length === 0) throw new UsageError("name a CA that is trusted: --ca URI");
  const name = args.text("profile") ?? "dds";
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) throw new UsageError("--profile is one of dds, rfc5280, strict");
  const purpose = args.text("purpose");
  if (purpose !== undefined && !/^(?:[A-Za-z]{1,32}|[0-2](?:\.\d{1,20}){1,32})$/.test(purpose)) {
    throw new UsageError("--purpose is a name such as clientAuth, or an OID");
  }
  const at = readMoment(args) ?? new Date();
  const { resolver, crypto } = wire(tokenWiring(args));
  const head = { profile: name, at: at.toISOString() };
  let leaf: Certificate | undefined;
  try {
    const own = await certificates(resolver, value);
    [leaf] = own;
    if (leaf === undefined) throw new CredentialError("OBJECT_NOT_FOUND", "no certificate");
    const anchors = await all(args.list("ca"), async (uri) => await certificates(resolver, uri));
    const between = await all(args.list("intermediate"), async (uri) => await certificates(resolver, uri));
    const lists = await all(args.list("crl"), async (uri) => await revocationLists(resolver, uri));
    const explanation = await explainPath({
      leaf,
      anchors,
      intermediates: [...own.slice(1), ...between],
      at,
      crypto,
      profile,
      ...(purpose === undefined ? {} : { purpose }),
      ...(lists.length === 0 ? {} : { revocation: { lists } }),
    });
    const report = { ...head, certificate: shownCertificate(leaf, "certificate"), ...told(explanation) };
    return args.flag("explain") ? { ...report, rejected: explanation.rejected.map(shownRejection) } : report;
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    const certificate = leaf && { certificate: shownCertificate(leaf, "certificate") };
    return { ok: false, ...head, ...certificate, ...NOTHING, findings: [findingOf(error)] };
  } finally {
    await resolver.close();
  }
}

const NOTHING = { path: [], revocation: "not-asked", policies: [] } as const;

function told({ path, error }: PathExplanation): Omit<Report, "profile" | "at"> {
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
function noteOf({ rule, message }: PathNote): Finding {
  if (rule === "leaf-is-anchor") return { code: "CA_SHARED", severity: "warning", message, rule };
  const peers = { reject: ["fastdds"], accept: ["cyclonedds"] };
  return { code: "PEER_DIFFERS", severity: "warning", message, rule, peers };
}

function findingOf(error: CredentialError): Finding {
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

// --- reading

async function all<T>(
  values: readonly string[],
  read: (value: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (const value of values) found.push(...(await read(value)));
  return found;
}

/** Certificates of a file in PEM or DER, or of a token. */
async function certificates(resolver: Resolver, value: string): Promise<readonly Certificate[]> {
  const uri = uriOf(value);
  if (uriScheme(uri) === "pkcs11") return await resolver.certificates(uri);
  const bytes = await resolver.document(uri);
  return isDer(bytes) ? [withUri(uri, () => parseCertificate(bytes))] : certificatesFromPem(bytes, { uri });
}

async function revocationLists(resolver: Resolver, value: string): Promise<readonly RevocationList[]> {
  const uri = uriOf(value);
  if (uriScheme(uri) === "pkcs11") {
    return (await resolver.revocationLists(uri)).map((list) => parseRevocationList(list));
  }
  const bytes = await resolver.document(uri);
  const lists = isDer(bytes) ? [bytes] : crlsFromPem(bytes, { uri });
  return lists.map((list) => withUri(uri, () => parseRevocationList(list)));
}

/** PEM is text, and its first byte is none of a SEQUENCE unless text before it begins with a zero. */
const isDer = (bytes: Uint8Array) => bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80;

function withUri<T>(uri: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof CredentialError ? error.with({ uri }) : error;
  }
}

// --- text

function render(report: Report, style: Style): string {
  const verdict = report.ok ? style.good("good") : style.bad("not good");
  const name = brief(report.certificate?.subject ?? "", LABEL) || "the certificate";
  const parts = [`${verdict}  ${style.bold(name)}, profile ${report.profile}, at ${report.at.slice(0, 19)}Z`];
  for (const finding of report.findings) parts.push(renderFinding(finding, style));
  if (report.path.length > 0) parts.push(renderPath(report.path, style), facts(report));
  else if (report.certificate !== undefined) parts.push(renderPath([report.certificate], style));
  if (report.rejected !== undefined) parts.push(renderRejected(report.rejected, style));
  return `${parts.join("\n\n")}\n`;
}

function facts({ revocation, policies }: Report): string {
  const asked = revocation === "checked" ? "none of them is revoked" : "revocation was not asked for (--crl)";
  return [`  ${asked}`, ...policies.map((policy) => `  policy ${policy}`)].join("\n");
}

const INDENT = "         ";

function renderFinding(finding: Finding, style: Style): string {
  const paint = finding.severity === "error" ? style.bad : style.warn;
  const lines = [
    `${paint(finding.severity.padEnd(7))}  ${style.bold(finding.code)}`,
    wrap(finding.message, style.width, INDENT),
  ];
  if (finding.uri !== undefined) lines.push(style.faint(INDENT + brief(finding.uri, LABEL)));
  const { reject = [], accept = [] } = finding.peers ?? {};
  if (reject.length > 0) lines.push(wrap(`refused by ${named(reject)}`, style.width, INDENT));
  if (accept.length > 0) lines.push(wrap(`accepted by ${named(accept)}`, style.width, INDENT));
  if (finding.hint !== undefined) lines.push(wrap(`> ${finding.hint}`, style.width, INDENT));
  return lines.join("\n");
}

function renderRejected(rejected: NonNullable<Report["rejected"]>, style: Style): string {
  if (rejected.length === 0) return "no other path was tried";
  const lines = rejected.map(({ path, code, message }) =>
    [
      `  ${path.map((name) => brief(name, LABEL)).join(" <- ")}`,
      wrap(`${code}: ${message}`, style.width, "    "),
    ].join("\n"),
  );
  return ["tried and given up:", ...lines].join("\n");
}

const PEERS: Readonly<Record<string, string>> = { cyclonedds: "Cyclone DDS", fastdds: "Fast DDS" };
const named = (peers: readonly string[]) => peers.map((peer) => PEERS[peer] ?? peer).join(" and ");
