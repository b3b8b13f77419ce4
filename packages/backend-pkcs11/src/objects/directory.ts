import {
  type CredentialDescription,
  formatName,
  matchesObject,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
} from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { AttributeName, Attributes } from "../cryptoki/template.ts";
import { pinSummary } from "../token/pin-state.ts";
import type { Token } from "../token/token.ts";
import { type CertificateAttributes, certificateAttributes, certificateFrom } from "./certificates.ts";
import { inTurns } from "./in-turns.ts";
import { readKeys } from "./key-attributes.ts";
import { pairsOf } from "./pairing.ts";
import { countNamed, objectClasses, objectUri, search, type TokenObject } from "./search.ts";

/** Whether the URI is about tokens rather than about objects on them. */
export function namesNoObject({ path }: Pkcs11Uri): boolean {
  return path.object === undefined && path.id === undefined && path.type === undefined;
}

/** A token, with what keeps its private objects hidden, if anything does. */
export function describeToken(token: Token): CredentialDescription {
  const { label, manufacturerID, model, serialNumber, slotId, flags } = token.slot.token;
  return {
    uri: token.uri,
    kind: "token",
    label,
    details: {
      manufacturer: manufacturerID,
      model,
      serial: serialNumber,
      slot: String(slotId),
      pin: pinSummary(flags),
      ...(token.isOpen ? {} : { hidden: "private objects are hidden without a PIN" }),
    },
  };
}

/** The objects of a type that the URI matches and that are visible. */
export async function describeObjects(
  token: Token,
  type: Pkcs11ObjectType,
  uri: Pkcs11Uri,
): Promise<readonly CredentialDescription[]> {
  if (uri.path.type !== undefined && uri.path.type !== type) return [];
  return await token.use(async (session) => {
    const found = await search(token.module, session, type, uri.path);
    const named = await countNamed(found);
    const objects = (await inTurns(found, (object) => (matchesObject(uri, object) ? [object] : []))).flat();
    const details = await detailsOf(token, session, type, objects);
    return await inTurns(objects, (object, n) => {
      const text = objectUri(token, object);
      const id: Record<string, string> =
        object.id.length > 0 ? { id: Buffer.from(object.id).toString("hex") } : {};
      const count = named(text);
      const others = count > 1 ? { ambiguous: `the URI names ${count} objects` } : {};
      return {
        uri: text,
        kind: kinds[type],
        label: object.label,
        details: { ...id, ...details[n], ...others },
      };
    });
  });
}

/** In the order of listing. */
export const listedTypes = Object.keys(objectClasses) as readonly Pkcs11ObjectType[];

/** What is told of each object of a type, read in bulk. */
async function detailsOf(
  token: Token,
  session: Handle,
  type: Pkcs11ObjectType,
  objects: readonly TokenObject[],
): Promise<readonly Record<string, string>[]> {
  switch (type) {
    case "cert":
      return await inTurns(await read(token, session, objects, certificateAttributes), (said, n) =>
        certificateDetails(token, objects[n], said),
      );
    case "private": {
      const pairs = await pairsOf(token, session, objects);
      const protections = await read(token, session, objects, protectionAttributes);
      return await inTurns(pairs, ({ publicKey, certificate }, n) => ({
        key: publicKey?.label ?? "kind unknown: no public key or certificate with its id",
        ...protection(protections[n]),
        ...(certificate === undefined ? {} : { certificate: objectUri(token, certificate) }),
      }));
    }
    case "public":
      return (await readKeys(token, session, objects)).map(({ publicKey }) => ({
        key: publicKey?.label ?? "of another kind",
      }));
    case "secret-key":
      return (await read(token, session, objects, ["CKA_VALUE_LEN", ...protectionAttributes])).map(
        (said) => ({
          ...(said?.CKA_VALUE_LEN === undefined ? {} : { bits: String(said.CKA_VALUE_LEN * 8) }),
          ...protection(said),
        }),
      );
    case "data":
      return [];
    default:
      return []; // one of the cases above: here to say that all are
  }
}

async function read<N extends AttributeName>(
  { module }: Token,
  session: Handle,
  objects: readonly TokenObject[],
  names: readonly N[],
): Promise<readonly (Attributes<N> | undefined)[]> {
  const handles = objects.map(({ handle }) => handle);
  return await module.attributesOf(session, handles, names);
}

function certificateDetails(
  token: Token,
  object: TokenObject | undefined,
  said: CertificateAttributes | undefined,
): Record<string, string> {
  if (object === undefined || said === undefined) return damaged;
  try {
    const certificate = certificateFrom(token, object, said);
    if (certificate === undefined) return {};
    const { subject, issuer, publicKey, notAfter } = certificate;
    return {
      subject: formatName(subject),
      issuer: formatName(issuer),
      key: publicKey.label,
      expires: notAfter.toISOString(),
    };
  } catch {
    return damaged;
  }
}

const damaged = { damaged: "it cannot be read" };

function protection(
  said: Attributes<(typeof protectionAttributes)[number]> | undefined,
): Record<string, string> {
  return {
    ...(said?.CKA_SENSITIVE === undefined ? {} : { sensitive: yesOrNo(said.CKA_SENSITIVE) }),
    ...(said?.CKA_EXTRACTABLE === undefined ? {} : { extractable: yesOrNo(said.CKA_EXTRACTABLE) }),
  };
}

const protectionAttributes = ["CKA_SENSITIVE", "CKA_EXTRACTABLE"] as const;

const yesOrNo = (value: boolean): string => (value ? "yes" : "no");

const kinds = {
  cert: "certificate",
  private: "private-key",
  public: "public-key",
  "secret-key": "secret-key",
  data: "data",
} as const satisfies Record<Pkcs11ObjectType, CredentialDescription["kind"]>;
