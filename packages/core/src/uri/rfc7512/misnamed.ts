import { nearest } from "../nearest.ts";
import { isPathName, isQueryName, type Pkcs11Uri, pathAttributes, queryAttributes } from "./attributes.ts";

/**
 * What keeps a URI from matching anything, most likely by mistake, in words; undefined where nothing does. Attributes of
 * vendors are legal (RFC 7512 2.3), but one in the path matches nothing (2.5). Values are not shown.
 */
export function misnamedAttribute({ path, vendorPath }: Pkcs11Uri): string | undefined {
  for (const name of vendorPath.keys()) return ofVendor(name);
  for (const value of Object.values(path)) {
    const [, next = ""] = (typeof value === "string" ? /,\s*([a-z-]+)=/i.exec(value) : undefined) ?? [];
    if (isPathName(next.toLowerCase())) return `did you mean ";" for "," before ${next}=?`;
  }
  return undefined;
}

function ofVendor(name: string): string {
  if (isQueryName(name.toLowerCase())) return `${name} stands in the path, and belongs behind "?"`;
  const shown = /^[a-z][a-z_-]{0,30}$/i.test(name) ? JSON.stringify(name) : "one in the path";
  const [meant] = nearest(name, Object.keys(pathAttributes));
  const question = meant === undefined ? "" : `; did you mean ${meant}?`;
  return `${shown} is no attribute of RFC 7512, so nothing matches${question}`;
}

/**
 * An attribute of the query that is most likely meant for one of RFC 7512's, in words; undefined where none is. Those of
 * vendors are ignored (2.4), and so is a PIN under a name that is written wrong.
 */
export function misnamedQuery({ vendorQuery }: Pkcs11Uri): string | undefined {
  for (const name of vendorQuery.keys()) {
    const [near] = nearest(name, Object.keys(queryAttributes));
    const meant = /^pin/i.test(name) ? (/so|file/i.test(name) ? "pin-source" : "pin-value") : near;
    if (meant !== undefined) return `${JSON.stringify(name)} is ignored; did you mean ${meant}?`;
  }
  return undefined;
}
