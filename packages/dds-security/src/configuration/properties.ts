/** The properties of a participant that are read here, by their DDS names. */
export type SecurityProperty = (typeof securityProperties)[number]["property"];

export interface PropertyRow {
  /** Name in DDS-Security 10.3 and 10.4, or the vendor's. */
  readonly property: string;
  /** Group and element of Cyclone DDS, below Domain/Security. */
  readonly group: "Authentication" | "AccessControl";
  readonly element: string;
  /** Name that Fast DDS gives it, where it has one. */
  readonly fastdds?: string;
  /** `always`, or `together`: all three of access control or, with Cyclone DDS, none. */
  readonly required: "always" | "together" | "never";
  /** A value that must not be shown. */
  readonly secret: boolean;
  /** What the value names: `path` is a plain path, `text` is the value itself, all others are URIs. */
  readonly kind: "certificate" | "key" | "document" | "crl" | "path" | "text";
}

/** Every security property of a participant, in one table. */
export const securityProperties = [
  {
    property: "dds.sec.auth.identity_certificate",
    group: "Authentication",
    element: "IdentityCertificate",
    fastdds: "dds.sec.auth.builtin.PKI-DH.identity_certificate",
    required: "always",
    secret: false,
    kind: "certificate",
  },
  {
    property: "dds.sec.auth.identity_ca",
    group: "Authentication",
    element: "IdentityCA",
    fastdds: "dds.sec.auth.builtin.PKI-DH.identity_ca",
    required: "always",
    secret: false,
    kind: "certificate",
  },
  {
    property: "dds.sec.auth.private_key",
    group: "Authentication",
    element: "PrivateKey",
    fastdds: "dds.sec.auth.builtin.PKI-DH.private_key",
    required: "always",
    secret: false,
    kind: "key",
  },
  {
    property: "dds.sec.auth.password",
    group: "Authentication",
    element: "Password",
    fastdds: "dds.sec.auth.builtin.PKI-DH.password",
    required: "never",
    secret: true,
    kind: "text",
  },
  {
    property: "dds.sec.auth.trusted_ca_dir",
    group: "Authentication",
    element: "TrustedCADirectory",
    required: "never",
    secret: false,
    kind: "path",
  },
  {
    property: "org.eclipse.cyclonedds.sec.auth.crl",
    group: "Authentication",
    element: "CRL",
    fastdds: "dds.sec.auth.builtin.PKI-DH.identity_crl",
    required: "never",
    secret: false,
    kind: "crl",
  },
  {
    property: "dds.sec.access.permissions_ca",
    group: "AccessControl",
    element: "PermissionsCA",
    fastdds: "dds.sec.access.builtin.Access-Permissions.permissions_ca",
    required: "together",
    secret: false,
    kind: "certificate",
  },
  {
    property: "dds.sec.access.governance",
    group: "AccessControl",
    element: "Governance",
    fastdds: "dds.sec.access.builtin.Access-Permissions.governance",
    required: "together",
    secret: false,
    kind: "document",
  },
  {
    property: "dds.sec.access.permissions",
    group: "AccessControl",
    element: "Permissions",
    fastdds: "dds.sec.access.builtin.Access-Permissions.permissions",
    required: "together",
    secret: false,
    kind: "document",
  },
] as const satisfies readonly PropertyRow[];

/** Names that a participant may carry too and that say nothing about credentials. */
export const otherSettings: readonly string[] = [
  ...["auth", "access", "crypto"].flatMap((plugin) => [
    `dds.sec.${plugin}.plugin`,
    `dds.sec.${plugin}.library.path`,
    `dds.sec.${plugin}.library.init`,
    `dds.sec.${plugin}.library.finalize`,
  ]),
  "dds.sec.auth.key_establishment_algorithm",
  "dds.sec.auth.builtin.PKI-DH.preferred_key_agreement",
  "dds.sec.auth.builtin.PKI-DH.transmit_algorithms_as_legacy",
  "dds.sec.crypto.keysize",
  "org.eclipse.cyclonedds.sec.auth.include_optional_fields",
];

/** What a Cyclone DDS configuration calls a property; the property itself where it has no name for it. */
export function elementOf(property: string): string {
  return securityProperties.find((row) => row.property === property)?.element ?? property;
}
