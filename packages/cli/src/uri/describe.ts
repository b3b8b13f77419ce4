import {
  matchesLibrary,
  matchesModule,
  matchesObject,
  matchesSlot,
  matchesToken,
  type Pkcs11Uri,
} from "@ddscred/core";

/**
 * Whether a URI matches the object that another URI describes, as if a token had reported just what the
 * description says (RFC 7512 2.5). What the description leaves out counts as empty.
 */
export function matchesDescription(pattern: Pkcs11Uri, described: Pkcs11Uri): boolean {
  const { path, query } = described;
  const slotId = path["slot-id"];
  const module = query["module-path"];
  return (
    matchesToken(pattern, {
      label: path.token ?? "",
      manufacturerID: path.manufacturer ?? "",
      model: path.model ?? "",
      serialNumber: path.serial ?? "",
    }) &&
    matchesSlot(pattern, {
      slotDescription: path["slot-description"] ?? "",
      manufacturerID: path["slot-manufacturer"] ?? "",
      ...(slotId === undefined ? {} : { slotId }),
    }) &&
    matchesLibrary(pattern, {
      manufacturerID: path["library-manufacturer"] ?? "",
      libraryDescription: path["library-description"] ?? "",
      libraryVersion: path["library-version"] ?? { major: 0, minor: 0 },
    }) &&
    (path.type === undefined
      ? pattern.path.type === undefined &&
        matchesObject(pattern, { label: path.object, id: path.id, type: "data" })
      : matchesObject(pattern, { label: path.object, id: path.id, type: path.type })) &&
    (module === undefined || matchesModule(pattern, module))
  );
}
