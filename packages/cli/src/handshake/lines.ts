import { CredentialError, decodeBase64, encodeBase64 } from "@ddscred/core";
import { type DataHolder, tokenLimits } from "@ddscred/dds-security";

/** A line of `ddscred handshake`: a token, or what a participant announces at discovery. */
export type Line =
  | { readonly kind: "token"; readonly token: DataHolder }
  | {
      readonly kind: "announcement";
      readonly guid: Uint8Array;
      readonly identityToken?: DataHolder;
      readonly authRequest?: DataHolder;
    };

/** Longer than the base64 of all that a token may hold. */
export const MAX_LINE = 4 * 1024 * 1024;

/**
 * Reads a line. Every member must be known and of its type.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`
 */
export function readLine(text: string): Line {
  const value = parseJson(text);
  if (!isObject(value)) throw invalid("the line is no JSON object");
  if ("class_id" in value) return { kind: "token", token: readToken(value, "the token") };
  only(value, ["guid", "identity_token", "auth_request"], "the announcement");
  const { guid, identity_token: identity, auth_request: request } = value;
  if (typeof guid !== "string" || !/^[0-9a-f]{32}$/i.test(guid)) {
    throw invalid("the line has neither class_id nor a guid of 32 hexadecimal digits");
  }
  return {
    kind: "announcement",
    guid: Uint8Array.from(guid.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16)),
    ...(identity !== undefined && { identityToken: readToken(identity, "identity_token") }),
    ...(request !== undefined && { authRequest: readToken(request, "auth_request") }),
  };
}

/** A token as it stands in a line. */
export function tokenJson({ classId, properties, binaryProperties }: DataHolder): Record<string, unknown> {
  return {
    class_id: classId,
    properties: properties.map(({ name, value }) => ({ name, value })),
    binary_properties: binaryProperties.map(({ name, value }) => ({ name, value: encodeBase64(value) })),
  };
}

function readToken(value: unknown, what: string): DataHolder {
  if (!isObject(value)) throw invalid(`${what} is no JSON object`);
  only(value, ["class_id", "properties", "binary_properties"], what);
  const { class_id: classId, properties = [], binary_properties: binary = [] } = value;
  if (typeof classId !== "string" || classId.length > tokenLimits.nameOctets) {
    throw invalid(`class_id of ${what} is no text of up to ${tokenLimits.nameOctets} characters`);
  }
  return {
    classId,
    properties: readPairs(properties, what),
    binaryProperties: readPairs(binary, what).map(({ name, value: text }) => {
      const octets = decodeBase64(text);
      if (octets === undefined) throw invalid(`"${name.slice(0, 64)}" of ${what} is not base64`);
      return { name, value: octets };
    }),
  };
}

function readPairs(value: unknown, what: string): { name: string; value: string }[] {
  if (!Array.isArray(value) || value.length > tokenLimits.properties) {
    throw invalid(`the properties of ${what} are no list of up to ${tokenLimits.properties}`);
  }
  return value.map((pair: unknown) => {
    if (isObject(pair)) {
      // The wire has no propagate, but the structure of DDS-Security does: what is here propagates.
      only(pair, ["name", "value", "propagate"], what);
      const { name, value: text } = pair;
      if (typeof name === "string" && typeof text === "string" && name.length <= tokenLimits.nameOctets) {
        return { name, value: text };
      }
    }
    throw invalid(`a property of ${what} is not { name, value } of two texts`);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("the line is no JSON");
  }
}

function only(value: object, names: readonly string[], what: string): void {
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw invalid(`${what} has an unknown member "${other.slice(0, 64)}"`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (message: string) => new CredentialError("HANDSHAKE_TOKEN_INVALID", message);
