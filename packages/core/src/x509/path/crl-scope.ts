import type { Certificate } from "../certificate.ts";
import type { RevocationList } from "../crl.ts";
import {
  type DistributionPoint,
  type DistributionPointName,
  distributionPoints,
  type RevocationFlag,
  revocationFlags,
} from "../distribution-points.ts";
import { basicConstraints } from "../extensions.ts";
import { directoryName, type GeneralName } from "../general-name.ts";
import type { DistinguishedName } from "../name.ts";
import { nameKey } from "../name-compare.ts";

export type Reasons = ReadonlySet<RevocationFlag>;
export const allReasons: Reasons = new Set(revocationFlags);

/** Where the status of a certificate may be found: by one of its distribution points, or from its issuer at large. */
export interface Source {
  readonly point?: DistributionPoint;
  /** Keys of the names of those who may issue the list. */
  readonly issuers: readonly string[];
}

/** The sources of a certificate in the order of RFC 5280 6.3.3: its distribution points, then its issuer. */
export function sourcesOf(certificate: Certificate): readonly Source[] {
  const issuer = nameKey(certificate.issuer);
  const points = (distributionPoints(certificate) ?? []).map((point) => ({
    point,
    issuers:
      point.crlIssuer === undefined
        ? [issuer]
        : point.crlIssuer.flatMap((name) => directoryName(name) ?? []).map(nameKey),
  }));
  return [...points, { issuers: [issuer] }];
}

/**
 * The reasons for which a list tells the status of a certificate (6.3.3 (b) and (d)); a text that says why where it tells
 * nothing. That the list is by one of the source's issuers is known.
 */
export function scopeOf(list: RevocationList, certificate: Certificate, { point }: Source): Reasons | string {
  const { distributionPoint: issuing } = list;
  const wanted = point?.reasons ?? allReasons;
  if (point?.crlIssuer !== undefined && issuing?.indirectCRL !== true) {
    return "it does not say that it is an indirect list, which the distribution point of the certificate asks for";
  }
  if (issuing === undefined) return wanted;
  if (issuing.name !== undefined && !namesMeet(issuing.name, list.issuer, point, certificate)) {
    return "it is a partition for another distribution point";
  }
  const isCa = basicConstraints(certificate)?.ca === true;
  if (issuing.onlyContainsUserCerts && isCa) return "it lists no CA certificates (onlyContainsUserCerts)";
  if (issuing.onlyContainsCACerts && !isCa) return "it lists CA certificates only (onlyContainsCACerts)";
  if (issuing.onlyContainsAttributeCerts) return "it lists attribute certificates only";
  const { onlySomeReasons } = issuing;
  return onlySomeReasons === undefined
    ? wanted
    : new Set([...wanted].filter((reason) => onlySomeReasons.has(reason)));
}

/** Whether a name of the list is one that the certificate gives for its distribution point (6.3.3 (b)(2)(i)). */
function namesMeet(
  listed: DistributionPointName,
  listIssuer: DistinguishedName,
  point: DistributionPoint | undefined,
  { issuer }: Certificate,
): boolean {
  const keys = new Set(pointKeys(listed, listIssuer));
  if (point === undefined) return keys.has(directoryKey(nameKey(issuer)));
  const [crlIssuer] = (point.crlIssuer ?? []).flatMap((name) => directoryName(name) ?? []);
  const given =
    point.name === undefined
      ? (point.crlIssuer ?? []).map(generalKey)
      : pointKeys(point.name, crlIssuer ?? issuer);
  return given.some((key) => keys.has(key));
}

function pointKeys(name: DistributionPointName, below: DistinguishedName): readonly string[] {
  if ("fullName" in name) return name.fullName.map(generalKey);
  return [directoryKey(nameKey({ der: below.der, rdns: [...below.rdns, name.relative] }))];
}

function generalKey(name: GeneralName): string {
  const directory = directoryName(name);
  return directory === undefined ? `${name.tag}:${name.content.join()}` : directoryKey(nameKey(directory));
}

const directoryKey = (key: string) => `directory:${key}`;
