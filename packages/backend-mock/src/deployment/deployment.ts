import { formatPkcs11Uri, Secret } from "@ddscred/core";
import { type MockBackend, type MockBackendOptions, mockBackend } from "../mock-backend.ts";
import type { MockCertificate, MockCertificateOptions } from "../pki/certificate.ts";
import type { MockDocumentOptions } from "../pki/document.ts";
import { generateMockKey, type MockKeyKind } from "../pki/key.ts";
import type { MockObject } from "../token/objects.ts";
import { type MockToken, mockToken } from "../token/token.ts";
import { type MockDefect, mockDefects } from "./defects.ts";
import { mockGovernance, mockPermissions } from "./documents.ts";
import { days, type MockPki, mockPki, mockSubject } from "./pki.ts";

export interface MockDeploymentOptions extends Pick<MockBackendOptions, "faults" | "latency"> {
  /** The participant; its objects are `alice_cert` and `alice_key`. Default: `alice`. */
  readonly participant?: string;
  /** The CAs; give one to several deployments that shall trust each other. Default: new ones. */
  readonly pki?: MockPki;
  /** Default: EC P-256. */
  readonly keyKind?: MockKeyKind;
  /** Label of the token. Default: `DDSTestToken`. */
  readonly token?: string;
  /** Default: `1234`. */
  readonly pin?: string;
  /** XML of the Governance, before signing. Default: everything protected, in all domains. */
  readonly governance?: string;
  /** XML of the Permissions, before signing. Default: the participant may do `publish` and `subscribe`. */
  readonly permissions?: string;
  /** Topics. Default: `*`. */
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  /** What is wrong on purpose. Default: nothing. */
  readonly defects?: readonly MockDefect[];
}

/** URIs of the six credentials of a participant. */
export interface MockDeploymentUris {
  readonly identityCertificate: string;
  readonly identityCa: string;
  readonly privateKey: string;
  readonly permissionsCa: string;
  readonly governance: string;
  readonly permissions: string;
}

export interface MockDeployment {
  readonly backend: MockBackend;
  readonly token: MockToken;
  readonly pki: MockPki;
  readonly identity: MockCertificate;
  readonly uris: MockDeploymentUris;
  /** What the file: URIs name. */
  readonly files: Readonly<Record<string, string>>;
  /** The configuration for Cyclone DDS that names them all. */
  readonly configuration: string;
}

/**
 * A whole secured participant without an HSM: identity certificate, private key and permissions CA on a token,
 * identity CA and the two signed documents as files, all valid now; and broken where `defects` says so.
 */
export async function mockDeployment(options: MockDeploymentOptions = {}): Promise<MockDeployment> {
  const {
    participant = "alice",
    token: label = "DDSTestToken",
    pin = "1234",
    faults = [],
    latency = 0,
  } = options;
  const defects = checkedDefects(options.defects ?? []);
  const now = options.pki?.now ?? new Date();
  const caDates = defects.has("identity-ca-expired") ? { notAfter: days(now, -1) } : {};
  const pki = options.pki ?? (await mockPki({ now, identityCa: caDates }));
  const identity = await issueIdentity(pki, participant, options.keyKind, defects);
  const objects = await tokenObjects(participant, identity, pki, defects);
  const locked = defects.has("pin-locked") ? { pinTriesLeft: 0 } : {};
  const token = mockToken({ label, pin, objects, ...locked });
  if (defects.has("token-removed")) token.remove();
  const files = {
    "identity_ca_cert.pem": pki.identityCa.pem,
    "governance.p7s": await signed(pki, options.governance ?? mockGovernance(), "governance", defects),
    "permissions.p7s": await signed(pki, permissionsXml(options, pki, defects), "permissions", defects),
  };
  const uris = deploymentUris(participant, label, defects.has("pin-wrong") ? `${pin}9` : pin);
  const backend = mockBackend({ tokens: [token], files, faults, latency });
  return { backend, token, pki, identity, uris, files, configuration: cycloneConfiguration(uris) };
}

type Defects = ReadonlySet<MockDefect>;

async function issueIdentity(pki: MockPki, name: string, keyKind: MockKeyKind = "ec-p256", defects: Defects) {
  const { now } = pki;
  const given: Partial<MockCertificateOptions>[] = [{ key: await generateMockKey(keyKind) }];
  if (defects.has("identity-expired")) given.push({ notBefore: days(now, -20), notAfter: days(now, -1) });
  if (defects.has("identity-not-yet-valid")) given.push({ notBefore: days(now, 1) });
  if (defects.has("identity-signature-invalid")) given.push({ signedBy: await generateMockKey() });
  if (defects.has("identity-of-other-ca")) given.push({ issuer: pki.permissionsCa });
  return pki.issueIdentity(name, Object.assign({}, ...given));
}

async function tokenObjects(name: string, identity: MockCertificate, pki: MockPki, defects: Defects) {
  const key = defects.has("key-mismatch") ? await generateMockKey(identity.key.kind) : identity.key;
  const objects: MockObject[] = [{ label: "permissions_ca", certificate: pki.permissionsCa }];
  if (!defects.has("certificate-missing")) objects.push({ label: `${name}_cert`, certificate: identity });
  if (!defects.has("key-missing")) objects.push({ label: `${name}_key`, key });
  return objects;
}

async function signed(
  pki: MockPki,
  xml: string,
  document: "governance" | "permissions",
  defects: Defects,
): Promise<string> {
  const options: MockDocumentOptions = {
    textHeader: !defects.has("governance-without-text-header") || document !== "governance",
    ...(defects.has(`${document}-altered`) && {
      alter: (content: string) => content.replace("</dds>", " </dds>"),
    }),
  };
  const signer = defects.has(`${document}-of-other-ca`) ? await mockPki({ now: pki.now }) : pki;
  return signer.signDocument(xml, options);
}

function permissionsXml(options: MockDeploymentOptions, { now }: MockPki, defects: Defects): string {
  if (options.permissions !== undefined) return options.permissions;
  const { participant = "alice", publish = ["*"], subscribe = ["*"] } = options;
  return mockPermissions({
    subject: mockSubject(defects.has("permissions-of-other-subject") ? "mallory" : participant),
    notBefore: days(now, defects.has("permissions-not-yet-valid") ? 1 : -10),
    notAfter: days(now, defects.has("permissions-expired") ? -1 : 365),
    publish,
    subscribe,
  });
}

function deploymentUris(name: string, token: string, pin: string): MockDeploymentUris {
  const secret = { "pin-value": new Secret(pin) };
  const onToken = (object: string, type?: "private") =>
    formatPkcs11Uri({ token, object, type, ...secret }, { secrets: true });
  return {
    identityCertificate: onToken(`${name}_cert`),
    identityCa: "file:identity_ca_cert.pem",
    privateKey: onToken(`${name}_key`, "private"),
    permissionsCa: onToken("permissions_ca"),
    governance: "file:governance.p7s",
    permissions: "file:permissions.p7s",
  };
}

function cycloneConfiguration(uris: MockDeploymentUris): string {
  const xml = (uri: string) => uri.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  return `<?xml version="1.0" encoding="UTF-8" ?>
<CycloneDDS xmlns="https://cdds.io/config">
    <Domain id="any">
        <Security>
            <Authentication>
                <IdentityCertificate>${xml(uris.identityCertificate)}</IdentityCertificate>
                <IdentityCA>${xml(uris.identityCa)}</IdentityCA>
                <PrivateKey>${xml(uris.privateKey)}</PrivateKey>
            </Authentication>
            <AccessControl>
                <PermissionsCA>${xml(uris.permissionsCa)}</PermissionsCA>
                <Governance>${xml(uris.governance)}</Governance>
                <Permissions>${xml(uris.permissions)}</Permissions>
            </AccessControl>
        </Security>
    </Domain>
</CycloneDDS>
`;
}

function checkedDefects(defects: readonly MockDefect[]): Defects {
  for (const defect of defects) {
    if (!Object.hasOwn(mockDefects, defect)) throw new TypeError(`"${defect}" is no key of mockDefects`);
  }
  return new Set(defects);
}
