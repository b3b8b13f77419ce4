import { type CredentialError, formatName } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

const TRUSTED_CAS = "dds.sec.auth.trusted_ca_dir";
const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const MAX_NAMED = 5;

/** What restricts the identity by more than its path: the trusted-CA directory and the revocation lists. */
export function judgeTrust(configuration: Configuration, deployment: Deployment): Finding[] {
  return [...judgeFolder(configuration, deployment), ...judgeLists(configuration, deployment)];
}

function judgeFolder(configuration: Configuration, { trustedCas }: Deployment): Finding[] {
  if (trustedCas === undefined) return [];
  const findings: Finding[] = [];
  const where = place(configuration, TRUSTED_CAS);
  if (trustedCas.certificates.length === 0) {
    const message =
      "the folder of trusted CAs holds none that Cyclone DDS reads: it then restricts nothing, and any identity CA is accepted";
    const hint = "Put the PEM certificates of the trusted CAs into the folder.";
    findings.push(finding("PEER_DIFFERS", "warning", message, { ...where, hint, peers: ["cyclonedds"] }));
  }
  const { passedOver } = trustedCas;
  if (passedOver.length > 0) {
    const named = passedOver.slice(0, MAX_NAMED).map(({ name, problem }) => `${name} (${why(problem)})`);
    const more = passedOver.length > MAX_NAMED ? ` and ${passedOver.length - MAX_NAMED} more` : "";
    const message = `Cyclone DDS passes over files of the folder without a word: ${named.join(", ")}${more}`;
    const hint =
      "Each file is to begin with a PEM certificate with a key of RSA 2048 or a curve of 256 bits.";
    findings.push(finding("PEER_DIFFERS", "info", message, { ...where, hint, peers: ["cyclonedds"] }));
  }
  return findings;
}

const why = (problem: CredentialError | undefined) => problem?.code ?? "a key of another kind";

function judgeLists(configuration: Configuration, { revocationLists = [] }: Deployment): Finding[] {
  if (revocationLists.length < 2) return [];
  const [first] = revocationLists;
  const issuer = first === undefined ? "" : formatName(first.issuer);
  const message = `Cyclone DDS reads the first revocation list of the file only, that of ${issuer}`;
  const hint = "Put the list of the identity CA first, or alone.";
  const where = place(configuration, CRL);
  return [finding("PEER_DIFFERS", "warning", message, { ...where, hint, peers: ["cyclonedds"] })];
}
