import { readFileSync } from "node:fs";
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
import { needsVectors, unpackVectors } from "./x509-support.ts";

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
  readonly section: number;
  readonly title: string;
  readonly certs: readonly string[];
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

const decideCase = async (folder: string, test: PkitsCase) => {
  const certificates = test.certs.map((name) =>
    parseCertificate(readFileSync(join(folder, "certs", `${name}.crt`))),
  );
  const leaf = certificates.at(-1) as Certificate;
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
  });
};

const readCases = (folder: string) =>
  (JSON.parse(readFileSync(join(folder, "pkits.json"), "utf8")) as { tests: PkitsCase[] }).tests;

// Sections 4.4 (basic revocation), 4.14 (distribution points) and 4.15 (delta CRLs) are about nothing but revocation,
// and these cases of other sections are invalid by their CRLs alone.
const REVOCATION_SECTIONS = [4, 14, 15];
const REVOCATION_CASES = ["4.5.2", "4.5.5", "4.5.7", "4.7.4", "4.7.5"];
/** Signed with DSA, which is refused on purpose. */
const DSA_CASES = ["4.1.4", "4.1.5"];

t.test("NIST PKITS without revocation: all but DSA", needsVectors("pkits.tar.gz"), async (t) => {
  const folder = unpackVectors(t, "pkits.tar.gz");
  const cases = readCases(folder).filter(
    ({ id, section }) => !REVOCATION_SECTIONS.includes(section) && !REVOCATION_CASES.includes(id),
  );
  t.equal(cases.length, 178);
  const wrong: string[] = [];
  for (const test of cases) {
    let policies: readonly string[] = [];
    const result = await verdict(async () => {
      ({
        policies: { user: policies },
      } = await decideCase(folder, test));
    });
    if ((result === "accepted") !== test.shouldValidate) wrong.push(`${test.id} ${result}`);
    else if (test.shouldValidate)
      t.same(policies.toSorted(), test.userConstrainedPolicySet.toSorted(), `policies of ${test.id}`);
  }
  t.same(
    wrong,
    DSA_CASES.map((id) => `${id} KEY_UNSUPPORTED`),
  );
});

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
