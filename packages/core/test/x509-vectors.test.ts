import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Certificate,
  type CredentialError,
  certificatesFromPem,
  ddsIdentityProfile,
  type ErrorCode,
  type PathProfile,
  parseCertificate,
  validatePath,
  webCrypto,
} from "@ddscred/core";
import t from "tap";
import { failure, needsVectors, unpackVectors } from "./x509-support.ts";

const crypto = webCrypto();

async function verdict(call: () => Promise<unknown>): Promise<"accepted" | ErrorCode> {
  try {
    await call();
    return "accepted";
  } catch (error) {
    if ((error as Error).name !== "CredentialError") throw error;
    return (error as CredentialError).code;
  }
}

interface PkitsCase {
  readonly id: string;
  /** Without the part that some are divided into. */
  readonly test: string;
  readonly section: number;
  readonly title: string;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly initialPolicySet: readonly string[];
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialInhibitAnyPolicy: boolean;
  readonly userConstrainedPolicySet: readonly string[];
  readonly time: string;
  readonly shouldValidate: boolean;
}

/** Plain RFC 5280, with the keys that the verifier knows. */
const plainProfile: PathProfile = {
  name: "RFC 5280",
  keys: [
    { label: "RSA", keyType: "rsa" },
    { label: "EC", keyType: "ec" },
  ],
  keySection: "none",
  version1Anchors: "refuse",
};

const decideCase = async (folder: string, test: PkitsCase, withLists: boolean) => {
  const certificates = test.certs.map((name) =>
    parseCertificate(readFileSync(join(folder, "certs", `${name}.crt`))),
  );
  const leaf = certificates.at(-1) as Certificate;
  const lists = test.crls.map((name) => readFileSync(join(folder, "crls", `${name}.crl`)));
  return await validatePath({
    leaf,
    intermediates: certificates.slice(1, -1).toReversed(),
    anchors: certificates.slice(0, 1),
    at: new Date(test.time),
    crypto,
    profile: plainProfile,
    policies: {
      acceptable: test.initialPolicySet,
      requireExplicit: test.initialExplicitPolicy,
      inhibitMapping: test.initialPolicyMappingInhibit,
      inhibitAny: test.initialInhibitAnyPolicy,
    },
    ...(withLists ? { revocation: { lists } } : {}),
  });
};

const readCases = (folder: string) =>
  (JSON.parse(readFileSync(join(folder, "pkits.json"), "utf8")) as { tests: PkitsCase[] }).tests;

// Sections 4.4 (basic revocation), 4.14 (distribution points) and 4.15 (delta CRLs) are about nothing but revocation,
// and these cases of other sections are invalid by their CRLs alone.
const REVOCATION_SECTIONS = [4, 14, 15];
const REVOCATION_CASES = ["4.5.2", "4.5.5", "4.5.7", "4.7.4", "4.7.5"];
const isAboutRevocation = ({ id, section }: PkitsCase) =>
  REVOCATION_SECTIONS.includes(section) || REVOCATION_CASES.includes(id);
/** Signed with DSA, which is refused on purpose. */
const DSA_CASES = ["4.1.4", "4.1.5"];
const DSA_REFUSED = DSA_CASES.map((id) => `${id} KEY_UNSUPPORTED`);

for (const withLists of [false, true]) {
  const title = withLists ? "all 249 cases of NIST PKITS" : "NIST PKITS without revocation";
  t.test(
    `${title}: decided right but for DSA, policies included`,
    needsVectors("pkits.tar.gz"),
    async (t) => {
      const folder = unpackVectors(t, "pkits.tar.gz");
      const cases = readCases(folder).filter((test) => withLists || !isAboutRevocation(test));
      t.equal(cases.length, withLists ? 249 : 178);
      const wrong: string[] = [];
      const otherPolicies: string[] = [];
      for (const test of cases) {
        const result = await verdict(async () => {
          const { policies } = await decideCase(folder, test, withLists);
          const expected = new Set(test.userConstrainedPolicySet);
          const same =
            policies.user.length === expected.size && policies.user.every((oid) => expected.has(oid));
          if (!same) otherPolicies.push(test.id);
        });
        if ((result === "accepted") !== test.shouldValidate) wrong.push(`${test.id} ${result}`);
      }
      t.same(wrong, DSA_REFUSED);
      t.same(otherPolicies, []);
    },
  );
}

/** What the reasons of the expected-errors are called here. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  "VerifySignedData failed": ["SIGNATURE_INVALID"],
  "Unacceptable signature algorithm": ["KEY_UNSUPPORTED", "ALGORITHM_REFUSED"],
  "Couldn't parse SubjectPublicKeyInfo": ["KEY_UNSUPPORTED"],
  "No valid policy": ["POLICY_REFUSED"],
  "PolicyMappings must not map anyPolicy": ["POLICY_REFUSED"],
  "Not permitted by name constraints": ["NAME_CONSTRAINT_VIOLATED"],
  "Unconsumed critical extension": ["EXTENSION_UNSUPPORTED"],
  "Time is before notBefore": ["CERTIFICATE_NOT_YET_VALID"],
  "Time is after notAfter": ["CERTIFICATE_EXPIRED"],
  "subject does not match issuer": ["ISSUER_MISMATCH"],
  "Does not have Basic Constraints": ["CA_INVALID"],
  "Basic Constraints indicates not a CA": ["CA_INVALID"],
  "max_path_length reached": ["CA_INVALID"],
  "keyCertSign bit is not set": ["CA_INVALID"],
};

t.test("PKITS: the reason is one that the case is about", needsVectors("pkits.tar.gz"), async (t) => {
  const folder = unpackVectors(t, "pkits.tar.gz");
  const cases = readCases(folder).filter(({ shouldValidate }) => !shouldValidate);
  for (const test of cases) {
    const file = join(folder, "expected-errors-boringssl", `${test.test}.txt`);
    if (!existsSync(file)) continue;
    const reasons = [...readFileSync(file, "utf8").matchAll(/^ERROR: (.*)$/gm)].map(
      (match) => match[1] ?? "",
    );
    const codes = reasons.flatMap((reason) => REASONS[reason] ?? []);
    const result = await verdict(() => decideCase(folder, test, false));
    t.ok(
      codes.some((code) => code === result),
      `${test.id} ${test.title}: ${result} for ${reasons.join(", ")}`,
    );
  }
});

// The sections about revocation, where no reasons are given: those that are not simply CERTIFICATE_REVOKED.
const LIST_REASONS: Readonly<Record<string, string>> = {
  "4.4.1": "REVOCATION_UNKNOWN crl-missing",
  "4.4.4": "REVOCATION_UNKNOWN crl-signature",
  "4.4.5": "REVOCATION_UNKNOWN crl-missing",
  "4.4.6": "REVOCATION_UNKNOWN crl-missing",
  "4.4.8": "REVOCATION_UNKNOWN crl-extension",
  "4.4.9": "REVOCATION_UNKNOWN crl-extension",
  "4.4.10": "REVOCATION_UNKNOWN crl-extension",
  "4.4.11": "CRL_EXPIRED crl-expired",
  "4.4.12": "CRL_EXPIRED crl-expired",
  "4.4.21": "REVOCATION_UNKNOWN crl-signer",
  "4.7.4": "REVOCATION_UNKNOWN crl-signer",
  "4.7.5": "REVOCATION_UNKNOWN crl-signer",
  "4.14.3": "REVOCATION_UNKNOWN crl-scope",
  "4.14.8": "REVOCATION_UNKNOWN crl-scope",
  "4.14.9": "REVOCATION_UNKNOWN crl-scope",
  "4.14.11": "REVOCATION_UNKNOWN crl-scope",
  "4.14.12": "REVOCATION_UNKNOWN crl-scope",
  "4.14.14": "REVOCATION_UNKNOWN crl-scope",
  "4.14.17": "REVOCATION_UNKNOWN crl-reasons",
  "4.14.26": "REVOCATION_UNKNOWN crl-missing",
  "4.14.27": "REVOCATION_UNKNOWN crl-scope",
  "4.14.35": "REVOCATION_UNKNOWN crl-scope",
  "4.15.1": "REVOCATION_UNKNOWN crl-delta",
  "4.15.10": "CRL_EXPIRED crl-expired",
};

t.test(
  "PKITS: every invalid case about revocation has its reason",
  needsVectors("pkits.tar.gz"),
  async (t) => {
    const folder = unpackVectors(t, "pkits.tar.gz");
    const cases = readCases(folder).filter((test) => isAboutRevocation(test) && !test.shouldValidate);
    for (const test of cases) {
      const error = await failure(() => decideCase(folder, test, true));
      const told = [error.code, error.rule].filter((part) => part !== undefined).join(" ");
      t.equal(told, LIST_REASONS[test.id] ?? "CERTIFICATE_REVOKED", `${test.id} ${test.title}`);
    }
  },
);

interface DeploymentCase {
  readonly id: string;
  readonly why: string;
  readonly properties: { readonly identity_ca: string; readonly identity_certificate: string };
}

// What each identity case decides by its certificates alone. Cases about the private key, its passphrase or the
// subject in the permissions have good certificates.
const IDENTITIES: Readonly<Record<string, "accepted" | ErrorCode>> = {
  "id-rsa3072": "KEY_UNSUPPORTED",
  "id-rsa4096": "KEY_UNSUPPORTED",
  "id-p384": "accepted",
  "id-k256": "KEY_UNSUPPORTED",
  "id-rsa2048-rsaca": "accepted",
  "id-p256-rsaca": "accepted",
  "id-sha384": "accepted",
  "id-sha512": "accepted",
  "id-sha1": "ALGORITHM_REFUSED",
  "id-wrongkey": "accepted",
  "id-wrongca": "ISSUER_MISMATCH",
  "id-crlf-pem": "accepted",
  "id-der": "PEM_NOT_FOUND",
  "id-enc-nopw": "accepted",
  "id-enc-pw": "accepted",
  "id-ros-cn": "accepted",
  "id-ros-cn-swapped": "accepted",
  "id-ca-v1": "accepted",
  "id-ca-notca": "CA_INVALID",
  "id-ca-noku": "accepted",
  "id-chain-leafint": "accepted",
  "id-chain-int": "accepted",
  "id-eku-codesign": "accepted",
};

t.test(
  "identities of DDS deployments are decided as DDS-Security says",
  needsVectors("deployments.tar.gz"),
  async (t) => {
    const folder = unpackVectors(t, "deployments.tar.gz");
    const cases = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")) as DeploymentCase[];
    const identities = cases.filter(({ id }) => id.startsWith("id-"));
    t.same(identities.map(({ id }) => id).sort(), Object.keys(IDENTITIES).sort(), "every case is expected");
    for (const { id, why, properties } of identities) {
      const result = await verdict(async () => {
        const anchors = certificatesFromPem(readFileSync(join(folder, properties.identity_ca)));
        const chain = certificatesFromPem(readFileSync(join(folder, properties.identity_certificate)));
        const [leaf, ...intermediates] = chain as [Certificate, ...Certificate[]];
        const at = new Date("2027-01-01T00:00:00Z");
        return await validatePath({ leaf, intermediates, anchors, at, crypto, profile: ddsIdentityProfile });
      });
      t.equal(result, IDENTITIES[id], `${id}: ${why}`);
    }
  },
);
