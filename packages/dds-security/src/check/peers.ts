import { basicConstraints, type Certificate, sameBytes, signatureSchemeOf } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { hasKnownKey } from "../credentials/trust.ts";
import { documentReaders, signedFormLimits } from "../documents/signed-form.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

const PEERS = ["cyclonedds", "fastdds"] as const;
type Peer = (typeof PEERS)[number];

/** A limit of implementations that the specification does not have. */
interface PeerLimit {
  readonly property: SecurityProperty;
  readonly peers: readonly Peer[];
  readonly message: string;
  readonly hint: string;
  exceeded(deployment: Deployment): boolean;
}

const limits: readonly PeerLimit[] = [
  ...(["dds.sec.auth.identity_certificate", "dds.sec.auth.identity_ca"] as const).map(
    (property): PeerLimit => ({
      property,
      peers: ["cyclonedds"],
      message: "Cyclone DDS accepts keys of RSA 2048 and 256-bit curves only here",
      hint: "Use RSA 2048 or EC P-256 where Cyclone DDS takes part.",
      exceeded: (deployment) => {
        const certificate = certificateOf(deployment, property);
        return certificate !== undefined && !hasKnownKey(certificate);
      },
    }),
  ),
  {
    property: "dds.sec.auth.identity_certificate",
    peers: ["fastdds"],
    message: "Fast DDS accepts identity certificates that are signed with SHA-256 only",
    hint: "Have the certificate issued with SHA-256 where Fast DDS takes part.",
    exceeded: ({ identityCertificate, identityPath }) =>
      identityCertificate !== undefined &&
      identityPath !== undefined &&
      hashOf(identityCertificate, identityPath.certificates) !== "SHA-256",
  },
  {
    property: "dds.sec.auth.identity_certificate",
    peers: ["cyclonedds", "fastdds"],
    message: "Cyclone DDS and Fast DDS read the first certificate of the file only, not its chain",
    hint: "Have the identity certificate issued by the identity CA itself.",
    exceeded: ({ identityPath }) => (identityPath?.certificates.length ?? 0) > 2,
  },
  {
    property: "dds.sec.auth.identity_ca",
    peers: ["cyclonedds", "fastdds"],
    message: "Cyclone DDS and Fast DDS want a self-signed identity CA, and this one is issued by another",
    hint: "Name a root CA that issued the identity certificate itself.",
    exceeded: ({ identityCa }) => identityCa?.[0] !== undefined && !isSelfIssued(identityCa[0]),
  },
  {
    property: "dds.sec.auth.identity_ca",
    peers: ["cyclonedds"],
    message:
      "Cyclone DDS reads the first CA of the file only, and another one issued the identity certificate",
    hint: "Put the CA that issued the identity certificate first.",
    exceeded: ({ identityCa, identityPath }) =>
      identityCa?.[0] !== undefined &&
      identityPath !== undefined &&
      !sameBytes(identityCa[0].der, identityPath.anchor.der),
  },
  {
    property: "dds.sec.auth.identity_ca",
    peers: ["fastdds"],
    message: "Fast DDS does not accept a CA certificate without basicConstraints CA:TRUE",
    hint: "Issue the CA certificate anew with basicConstraints CA:TRUE.",
    exceeded: ({ identityCa }) =>
      identityCa?.[0] !== undefined && basicConstraints(identityCa[0])?.ca !== true,
  },
  {
    property: "dds.sec.access.permissions_ca",
    peers: ["fastdds"],
    message: "Fast DDS does not accept a CA certificate without basicConstraints CA:TRUE",
    hint: "Issue the CA certificate anew with basicConstraints CA:TRUE.",
    exceeded: ({ permissionsCa }) =>
      permissionsCa !== undefined && basicConstraints(permissionsCa)?.ca !== true,
  },
];

/** What is good by the specification but not accepted by an implementation that may take part. */
export function judgePeers(configuration: Configuration, deployment: Deployment): Finding[] {
  return [...limits.filter((limit) => limit.exceeded(deployment)), ...documentLimits(deployment)].map(
    ({ property, peers, message, hint }) =>
      finding("PEER_DIFFERS", "warning", message, { ...place(configuration, property), peers, hint }),
  );
}

/** How a document is signed. */
function documentLimits(deployment: Deployment): Omit<PeerLimit, "exceeded">[] {
  return (["governance", "permissions"] as const).flatMap((name) => {
    const document = deployment[name]?.signed;
    return (document === undefined ? [] : signedFormLimits(document)).flatMap(
      ({ readers, message, hint }) => {
        const peers = PEERS.filter((peer) => readers.includes(peer));
        if (peers.length === 0) return [];
        const who = peers.map((peer) => documentReaders[peer]).join(" and ");
        return [{ property: `dds.sec.access.${name}` as const, peers, message: `${who}: ${message}`, hint }];
      },
    );
  });
}

function certificateOf(deployment: Deployment, property: SecurityProperty): Certificate | undefined {
  return property === "dds.sec.auth.identity_ca"
    ? deployment.identityCa?.[0]
    : deployment.identityCertificate;
}

function isSelfIssued(certificate: Certificate): boolean {
  return sameBytes(certificate.issuer.der, certificate.subject.der);
}

function hashOf(certificate: Certificate, path: readonly Certificate[]): string {
  const issuer = path[1] ?? certificate;
  return signatureSchemeOf(certificate.signatureAlgorithm, issuer.publicKey).hash;
}
