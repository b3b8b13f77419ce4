/**
 * Attribute types of distinguished names that have a keyword: the ones of RFC 4514 section 3, and those that
 * OpenSSL prints by name, because DDS implementations write and compare subjects as OpenSSL prints them.
 * The first keyword is the one that is written; keywords are read in any case.
 */
const table: Readonly<Record<string, readonly string[]>> = {
  "2.5.4.3": ["CN", "commonName"],
  "2.5.4.4": ["SN", "surname"],
  "2.5.4.5": ["serialNumber"],
  "2.5.4.6": ["C", "countryName"],
  "2.5.4.7": ["L", "localityName"],
  "2.5.4.8": ["ST", "stateOrProvinceName", "S"],
  "2.5.4.9": ["street", "streetAddress"],
  "2.5.4.10": ["O", "organizationName"],
  "2.5.4.11": ["OU", "organizationalUnitName"],
  "2.5.4.12": ["title"],
  "2.5.4.13": ["description"],
  "2.5.4.15": ["businessCategory"],
  "2.5.4.17": ["postalCode"],
  "2.5.4.20": ["telephoneNumber"],
  "2.5.4.41": ["name"],
  "2.5.4.42": ["GN", "givenName", "G"],
  "2.5.4.43": ["initials"],
  "2.5.4.44": ["generationQualifier"],
  "2.5.4.45": ["x500UniqueIdentifier"],
  "2.5.4.46": ["dnQualifier", "dnq"],
  "2.5.4.65": ["pseudonym"],
  "2.5.4.97": ["organizationIdentifier"],
  "0.9.2342.19200300.100.1.1": ["UID", "userId"],
  "0.9.2342.19200300.100.1.25": ["DC", "domainComponent"],
  "1.2.840.113549.1.9.1": ["emailAddress", "E", "email"],
  "1.2.840.113549.1.9.2": ["unstructuredName"],
};

const oids: ReadonlyMap<string, string> = new Map(
  Object.entries(table).flatMap(([oid, keywords]) =>
    keywords.map((keyword) => [keyword.toLowerCase(), oid] as const),
  ),
);

/** The keyword to write for a dotted OID, or undefined. */
export function attributeKeyword(oid: string): string | undefined {
  return table[oid]?.[0];
}

/** The dotted OID of a keyword in any case, of a dotted OID itself, or of `OID.` and a dotted OID. */
export function attributeType(text: string): string | undefined {
  if (text.length > 128) return undefined;
  const dotted = /^(?:oid\.)?([0-2](?:\.(?:0|[1-9]\d*))+)$/i.exec(text)?.[1];
  return dotted ?? oids.get(text.toLowerCase());
}

/** domainComponent: the one type that compares without case although it is an IA5String (RFC 5280 7.3). */
export const DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";
