import type { Certificate } from "@ddscred/core";
import { oneLineName } from "../documents/one-line-name.ts";
import { keyName } from "./algorithms.ts";
import type { DataHolder } from "./data-holder.ts";
import { tokenInvalid } from "./fault.ts";

/** The messages of a handshake, by the end of their class id. */
export type HandshakeMessage = "Req" | "Reply" | "Final";

/** What is sent: peers know no other minor version (DDS-Security 1.1 Tables 47 to 51). */
export const classIds = {
  identity: "DDS:Auth:PKI-DH:1.0",
  authRequest: "DDS:Auth:PKI-DH:1.0+AuthReq",
  Req: "DDS:Auth:PKI-DH:1.0+Req",
  Reply: "DDS:Auth:PKI-DH:1.0+Reply",
  Final: "DDS:Auth:PKI-DH:1.0+Final",
  permissions: "DDS:Access:Permissions:1.0",
  permissionsCredential: "DDS:Access:PermissionsCredential",
} as const;

/**
 * What a class id of this plugin says; the minor version does not count (7.2.3.1).
 * Undefined where it is of another plugin or another major version.
 */
export function classOf(classId: string): "identity" | "AuthReq" | HandshakeMessage | undefined {
  const match = /^DDS:Auth:PKI-DH:1\.\d{1,4}(?:\+(AuthReq|Req|Reply|Final))?$/.exec(classId);
  if (match === null) return undefined;
  return (match[1] as "AuthReq" | HandshakeMessage | undefined) ?? "identity";
}

/** Announced at discovery; a hint only, for nothing in it is signed (Table 47). */
export function identityToken(certificate: Certificate, ca: Certificate): DataHolder {
  return {
    classId: classIds.identity,
    properties: [...described("dds.cert", certificate), ...described("dds.ca", ca)],
    binaryProperties: [],
  };
}

/** Announced at discovery too (9.4.2.2, Table 56). */
export function permissionsToken(permissionsCa: Certificate): DataHolder {
  return {
    classId: classIds.permissions,
    properties: described("dds.perm_ca", permissionsCa),
    binaryProperties: [],
  };
}

/** What access control hands to authentication: the signed permissions document (Table 57). */
export function permissionsCredentialToken(document: string): DataHolder {
  return {
    classId: classIds.permissionsCredential,
    properties: [{ name: "dds.perm.cert", value: document }],
    binaryProperties: [],
  };
}

/** What authentication hands to access control about a peer (1.1 Table 58: properties; 1.2: binary ones). */
export function peerCredentialToken(credentials: {
  readonly identity: Uint8Array;
  readonly permissions: Uint8Array;
}): DataHolder {
  return {
    classId: classIds.identity,
    properties: [],
    binaryProperties: [
      { name: "c.id", value: credentials.identity },
      { name: "c.perm", value: credentials.permissions },
    ],
  };
}

export function authRequestToken(futureChallenge: Uint8Array): DataHolder {
  return {
    classId: classIds.authRequest,
    properties: [],
    binaryProperties: [{ name: "future_challenge", value: futureChallenge }],
  };
}

/** The challenge that a peer announced. `HANDSHAKE_TOKEN_INVALID` */
export function readAuthRequest(token: DataHolder): Uint8Array {
  if (classOf(token.classId) !== "AuthReq") {
    throw tokenInvalid(`the authentication request has the class "${token.classId.slice(0, 64)}"`);
  }
  const [first, second] = token.binaryProperties.filter(({ name }) => name === "future_challenge");
  if (second !== undefined || first?.value.length !== 32) {
    throw tokenInvalid("the authentication request holds no future_challenge of 32 octets");
  }
  return first.value.slice();
}

/** `HANDSHAKE_TOKEN_INVALID` where a peer authenticates by another plugin or another major version. */
export function checkIdentityToken(token: DataHolder): void {
  if (classOf(token.classId) === "identity") return;
  throw tokenInvalid(
    `the peer authenticates by "${token.classId.slice(0, 64)}", not by DDS:Auth:PKI-DH of version 1`,
  );
}

function described(prefix: string, { subject, publicKey }: Certificate) {
  const algorithm = keyName(publicKey);
  return [
    { name: `${prefix}.sn`, value: oneLineName(subject) },
    ...(algorithm === undefined ? [] : [{ name: `${prefix}.algo`, value: algorithm }]),
  ];
}
