import { readXml } from "../xml/reader.ts";

/** Which document of DDS-Security an XML is. */
export type DocumentName = "governance" | "permissions";

/**
 * Tells the two documents apart by what stands in their root; undefined where it is neither. Nothing else of it
 * is judged.
 *
 * @throws CredentialError XML_INVALID with location
 */
export function documentName(
  xml: string | Uint8Array,
  options: { file?: string; firstLine?: number } = {},
): DocumentName | undefined {
  const root = readXml(xml, options);
  const names = root.children.map(({ name }) => name.toLowerCase());
  if (root.name.toLowerCase() !== "dds") return undefined;
  if (names.includes("domain_access_rules")) return "governance";
  return names.includes("permissions") ? "permissions" : undefined;
}
