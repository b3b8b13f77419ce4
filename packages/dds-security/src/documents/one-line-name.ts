import { attributeKeyword, type DistinguishedName, utf8Bytes } from "@ddscred/core";

/**
 * A name as X509_NAME_oneline of OpenSSL writes it, `/C=NL/CN=alice`, which is what Cyclone DDS and Fast DDS send and
 * show: `+` joins the attributes of one RDN, both separators are escaped in values, octets beyond ASCII are `\xC3`.
 */
export function oneLineName({ rdns }: DistinguishedName): string {
  const attribute = ({ type, value }: { type: string; value: string }) =>
    `${attributeKeyword(type) ?? type}=${printable(value)}`;
  return rdns.map((rdn) => `/${rdn.map(attribute).join("+")}`).join("");
}

function printable(value: string): string {
  return Array.from(utf8Bytes(value), (octet) => {
    if (octet < 0x20 || octet > 0x7e) return `\\x${octet.toString(16).toUpperCase().padStart(2, "0")}`;
    const character = String.fromCharCode(octet);
    return character === "/" || character === "+" ? `\\${character}` : character;
  }).join("");
}
