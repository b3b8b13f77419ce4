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
  readonly initialExplicitPolicy: boolean;
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

// Revocation is not part of validatePath. Sections 4.4 (basic revocation), 4.14 (distribution points) and 4.15
// (delta CRLs) are about nothing else, and these cases of other sections are invalid by their CRLs alone.
const REVOCATION_SECTIONS = [4, 14, 15];
const REVOCATION_CASES = ["4.5.2", "4.5.5", "4.5.7", "4.7.4", "4.7.5"];
/** Signed with DSA, which is refused on purpose. */
const DSA_CASES = ["4.1.4", "4.1.5"];

t.test(
  "NIST PKITS without revocation: nothing is accepted wrongly",
  needsVectors("pkits.tar.gz"),
  async (t) => {
    const folder = unpackVectors(t, "pkits.tar.gz");
    const { tests } = JSON.parse(readFileSync(join(folder, "pkits.json"), "utf8")) as { tests: PkitsCase[] };
    const cases = tests.filter(
      ({ id, section, initialExplicitPolicy }) =>
        !REVOCATION_SECTIONS.includes(section) &&
        !REVOCATION_CASES.includes(id) &&
        // A policy that the relying party demands at the outset is no input of validatePath.
        !initialExplicitPolicy,
    );
    t.equal(cases.length, 170);
    const read = (name: string) => parseCertificate(readFileSync(join(folder, "certs", `${name}.crt`)));
    const falseAccepts: string[] = [];
    const falseRejects = new Map<string, string>();
    const counts = { accepted: 0, refused: 0 };
    for (const test of cases) {
      const result = await verdict(async () => {
        const [anchor, ...certificates] = test.certs.map(read);
        const leaf = certificates.at(-1);
        if (anchor === undefined || leaf === undefined) throw new Error("a case has two certificates");
        const intermediates = certificates.slice(0, -1).toReversed();
        const at = new Date(test.time);
        return await validatePath({
          leaf,
          intermediates,
          anchors: [anchor],
          at,
          crypto,
          profile: plainProfile,
        });
      });
      counts[result === "accepted" ? "accepted" : "refused"] += 1;
      if (result === "accepted" && !test.shouldValidate) falseAccepts.push(`${test.id} ${test.title}`);
      if (result !== "accepted" && test.shouldValidate) falseRejects.set(test.id, result);
    }
    t.same(falseAccepts, []);
    const unexplained = [...falseRejects].filter(
      ([id, code]) => code !== (DSA_CASES.includes(id) ? "KEY_UNSUPPORTED" : "EXTENSION_UNSUPPORTED"),
    );
    t.same(unexplained, [], "valid paths are refused for DSA, or an extension not evaluated yet, only");
    t.comment(`${counts.accepted} accepted, ${counts.refused} refused, of them ${falseRejects.size} valid`);
    t.equal(counts.accepted, cases.filter(({ shouldValidate }) => shouldValidate).length - falseRejects.size);
  },
);

t.test("PKITS: the reason is the one that the case is about", needsVectors("pkits.tar.gz"), async (t) => {
  const folder = unpackVectors(t, "pkits.tar.gz");
  const { tests } = JSON.parse(readFileSync(join(folder, "pkits.json"), "utf8")) as { tests: PkitsCase[] };
  const expected: Readonly<Record<string, ErrorCode>> = {
    "4.1.2": "CERTIFICATE_INVALID",
    "4.1.3": "SIGNATURE_INVALID",
    "4.2.1": "CERTIFICATE_NOT_YET_VALID",
    "4.2.2": "CERTIFICATE_NOT_YET_VALID",
    "4.2.5": "CERTIFICATE_EXPIRED",
    "4.2.6": "CERTIFICATE_EXPIRED",
    "4.3.1": "ISSUER_MISMATCH",
    "4.6.1": "CA_INVALID",
    "4.6.2": "CA_INVALID",
    "4.6.3": "CA_INVALID",
    "4.6.5": "CA_INVALID",
    "4.6.6": "CA_INVALID",
    "4.6.9": "CA_INVALID",
    "4.6.16": "CA_INVALID",
    "4.7.1": "CA_INVALID",
    "4.7.2": "CA_INVALID",
    "4.16.2": "EXTENSION_UNSUPPORTED",
  };
  for (const [id, code] of Object.entries(expected)) {
    const test = tests.find((candidate) => candidate.id === id);
    const result = await verdict(async () => {
      const [anchor, ...certificates] = (test?.certs ?? []).map((name) =>
        parseCertificate(readFileSync(join(folder, "certs", `${name}.crt`))),
      );
      const leaf = certificates.at(-1) as Certificate;
      const anchors = anchor === undefined ? [] : [anchor];
      const at = new Date(test?.time ?? "");
      return await validatePath({
        leaf,
        intermediates: certificates,
        anchors,
        at,
        crypto,
        profile: plainProfile,
      });
    });
    t.equal(result, code, `${id} ${test?.title}`);
  }
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
