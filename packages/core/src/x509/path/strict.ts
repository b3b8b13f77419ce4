import { contextTag, DerTag } from "../../der/node.ts";
import { readDer } from "../../der/read.ts";
import { derTime } from "../../der/values.ts";
import type { Certificate } from "../certificate.ts";
import { type ExtensionName, ExtensionOid } from "../extension-oids.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "../extensions.ts";
import { GeneralNameTag } from "../general-name.ts";
import { certificateError } from "./certificate-error.ts";
import { type SubjectName, subjectNames } from "./name-forms.ts";
import { isSelfIssued } from "./rules.ts";

/** A rule for those who issue certificates: whether a certificate breaks it. */
interface FormRule {
  readonly section: string;
  readonly problem: string;
  broken(certificate: Certificate, isCa: boolean): boolean;
}

const has = (certificate: Certificate, name: ExtensionName) => find(certificate, name) !== undefined;
const isCritical = (certificate: Certificate, name: ExtensionName) => find(certificate, name)?.critical;
const find = ({ extensions }: Certificate, name: ExtensionName) =>
  extensions.find(({ oid }) => oid === ExtensionOid[name]);

/** The form that RFC 5280 section 4 prescribes to those who issue. */
const rules: readonly FormRule[] = [
  {
    section: "RFC 5280 4.1.2.1",
    problem: "it is not of version 3",
    broken: ({ version }) => version !== 3,
  },
  {
    section: "RFC 5280 4.1.2.2",
    problem: "its serial number is not a positive number of at most 20 octets",
    broken: ({ serialNumber: serial }) =>
      serial.length > 20 || (serial[0] ?? 0) >= 0x80 || serial.every((octet) => octet === 0),
  },
  {
    section: "RFC 5280 4.1.2.4",
    problem: "its issuer is the empty name",
    broken: ({ issuer }) => issuer.rdns.length === 0,
  },
  {
    section: "RFC 5280 4.1.2.5",
    problem: "its dates are not UTCTime through 2049 and GeneralizedTime from 2050",
    broken: ({ der }) => !hasPrescribedTimes(der),
  },
  {
    section: "RFC 5280 4.1.2.6",
    problem: "its subject is empty, and it has no critical subjectAltName",
    broken: (certificate, isCa) =>
      certificate.subject.rdns.length === 0 &&
      (isCa ||
        isCritical(certificate, "subjectAltName") !== true ||
        subjectAltName(certificate) === undefined),
  },
  {
    section: "RFC 5280 4.2.1.1",
    problem: "it has no authorityKeyIdentifier with a keyIdentifier",
    broken: (certificate) =>
      !isSelfIssued(certificate) && authorityKeyIdentifier(certificate)?.keyIdentifier === undefined,
  },
  {
    section: "RFC 5280 4.2.1.2",
    problem: "it is a CA and has no subjectKeyIdentifier",
    broken: (certificate, isCa) => isCa && subjectKeyIdentifier(certificate) === undefined,
  },
  {
    section: "RFC 5280 4.2.1.3",
    problem: "it is a CA and has no keyUsage",
    broken: (certificate, isCa) => isCa && keyUsage(certificate) === undefined,
  },
  {
    section: "RFC 5280 4.2.1.3",
    problem: "its keyUsage has keyCertSign, and it is no CA",
    broken: (certificate) =>
      keyUsage(certificate)?.has("keyCertSign") === true && basicConstraints(certificate)?.ca !== true,
  },
  {
    section: "RFC 5280 4.2.1.6",
    problem: "a subjectAltName is malformed",
    broken: (certificate) => subjectNames(certificate).some(isMalformed),
  },
  {
    section: "RFC 5280 4.2.1.9",
    problem: "it is a CA and its basicConstraints are not critical",
    broken: (certificate, isCa) => isCa && isCritical(certificate, "basicConstraints") !== true,
  },
  {
    section: "RFC 5280 4.2.1.9",
    problem: "it has a pathLenConstraint, and is no CA with keyCertSign",
    broken: (certificate) => {
      const constraints = basicConstraints(certificate);
      if (constraints?.pathLength === undefined) return false;
      return !constraints.ca || keyUsage(certificate)?.has("keyCertSign") === false;
    },
  },
  {
    section: "RFC 5280 4.2.1.10",
    problem: "it has nameConstraints, and is no CA",
    broken: (certificate) =>
      has(certificate, "nameConstraints") && basicConstraints(certificate)?.ca !== true,
  },
  {
    section: "RFC 5280 4.2.1",
    problem: "an extension that must be critical is not, or the other way round",
    broken: (certificate) =>
      MUST_BE_CRITICAL.some((name) => isCritical(certificate, name) === false) ||
      MUST_NOT_BE_CRITICAL.some((name) => isCritical(certificate, name) === true),
  },
];

/** A name of a form that is compared, and that cannot be. */
function isMalformed({ tag, value }: SubjectName): boolean {
  return value === undefined && COMPARED.has(tag);
}

const COMPARED = new Set<number>([
  GeneralNameTag.rfc822Name,
  GeneralNameTag.dNSName,
  GeneralNameTag.directoryName,
  GeneralNameTag.iPAddress,
]);

/** The certificate is known to be well formed: version, if there is one, stands before serial number and signature. */
function hasPrescribedTimes(der: Uint8Array): boolean {
  const fields = readDer(der).children[0]?.children ?? [];
  const validity = fields[fields[0]?.identifier === contextTag(0) ? 4 : 3];
  return (validity?.children ?? []).every((time) => {
    const isLate = (derTime(der, time)?.getUTCFullYear() ?? 0) >= 2050;
    return isLate === (time.identifier === DerTag.GENERALIZED_TIME);
  });
}

const MUST_BE_CRITICAL = ["nameConstraints", "policyConstraints", "inhibitAnyPolicy"] as const;
const MUST_NOT_BE_CRITICAL = ["authorityKeyIdentifier", "subjectKeyIdentifier", "freshestCRL"] as const;

/** Holds a certificate to the form that RFC 5280 section 4 prescribes; `CERTIFICATE_INVALID`, or `CA_INVALID` of a CA. */
export function checkForm(certificate: Certificate, isCa: boolean): void {
  const rule = rules.find((candidate) => candidate.broken(certificate, isCa));
  if (rule === undefined) return;
  throw certificateError(
    isCa ? "CA_INVALID" : "CERTIFICATE_INVALID",
    certificate,
    rule.problem,
    rule.section,
  );
}
