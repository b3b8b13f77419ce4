import {
  type Certificate,
  CredentialError,
  ddsIdentityProfile,
  explainPath,
  type PathProfile,
  rfc5280Profile,
  strictProfile,
} from "@ddscred/core";
import { failureReport, type PathReport, pathReport } from "../../documents/path-report.ts";
import { readCertificates, readRevocationLists } from "../../documents/read-certificates.ts";
import { renderPathReport } from "../../documents/render-path-report.ts";
import { EXIT, UsageError } from "../../exit.ts";
import type { Verb } from "../../main.ts";
import { type Arguments, readArguments, readFormat, readMoment } from "../../options.ts";
import { tokenOptions, tokenUsage, tokenWiring } from "../../pin/options.ts";
import { exitOf } from "../../terminal/errors.ts";
import { printJson } from "../../terminal/json.ts";
import { styleOf } from "../../terminal/style.ts";
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
  else process.stdout.write(renderPathReport(report, styleOf(process.stdout)));
  return report.ok ? EXIT.good : exitOf(report.findings);
}

async function examine(args: Arguments): Promise<PathReport> {
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
    const own = await readCertificates(resolver, value);
    [leaf] = own;
    if (leaf === undefined) throw new CredentialError("OBJECT_NOT_FOUND", "no certificate");
    const anchors = await all(args.list("ca"), async (uri) => await readCertificates(resolver, uri));
    const between = await all(
      args.list("intermediate"),
      async (uri) => await readCertificates(resolver, uri),
    );
    const lists = await all(args.list("crl"), async (uri) => await readRevocationLists(resolver, uri));
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
    return pathReport(head, { leaf, explanation, explain: args.flag("explain") });
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return failureReport(head, leaf, error);
  } finally {
    await resolver.close();
  }
}

async function all<T>(
  values: readonly string[],
  read: (value: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (const value of values) found.push(...(await read(value)));
  return found;
}
