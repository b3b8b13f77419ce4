import {
  type Certificate,
  type CredentialDescription,
  formatName,
  matchesObject,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
} from "@ddscred/core";
import {
  CKF_LOGIN_REQUIRED,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_USER_PIN_COUNT_LOW,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_LOCKED,
  CKF_USER_PIN_TO_BE_CHANGED,
} from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { readCertificate } from "./certificates.ts";
import { keyAttributes, publicKeyFrom, publicKeyOf } from "./public-key.ts";
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
      pin: pinState(flags),
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
    const found: CredentialDescription[] = [];
    const objects = await search(token.module, session, type, uri.path);
    const named = countNamed(token, objects);
    for (const object of objects.filter((object) => matchesObject(uri, object))) {
      const details = await detailsOf(token, session, object).catch(() => ({ damaged: "it cannot be read" }));
      const count = named(object);
      const others = count > 1 ? { ambiguous: `the URI names ${count} objects` } : {};
      found.push({
        uri: objectUri(token, object),
        kind: kinds[type],
        label: object.label,
        details: { ...details, ...others },
      });
    }
    return found;
  });
}

/** In the order of listing. */
export const listedTypes = Object.keys(objectClasses) as readonly Pkcs11ObjectType[];

async function detailsOf(
  token: Token,
  session: Handle,
  object: TokenObject,
): Promise<Record<string, string>> {
  const id: Record<string, string> =
    object.id.length > 0 ? { id: Buffer.from(object.id).toString("hex") } : {};
  switch (object.type) {
    case "cert": {
      const certificate = await readCertificate(token, session, object);
      return { ...id, ...(certificate === undefined ? {} : certificateDetails(certificate)) };
    }
    case "private": {
      const key = await publicKeyOf(token, session, object).then(
        ({ label }) => label,
        () => "kind unknown: no public key or certificate with its id",
      );
      return { ...id, key, ...(await protection(token, session, object)) };
    }
    case "public": {
      const key = publicKeyFrom(await token.module.attributes(session, object.handle, keyAttributes));
      return { ...id, key: key?.label ?? "of another kind" };
    }
    case "secret-key": {
      const { CKA_VALUE_LEN: length } = await token.module.attributes(session, object.handle, [
        "CKA_VALUE_LEN",
      ]);
      const size: Record<string, string> = length === undefined ? {} : { bits: String(length * 8) };
      return { ...id, ...size, ...(await protection(token, session, object)) };
    }
    case "data":
      return id;
    default:
      return id; // one of the cases above: here to say that all are
  }
}

function certificateDetails(certificate: Certificate): Record<string, string> {
  const { subject, issuer, publicKey, notAfter } = certificate;
  return {
    subject: formatName(subject),
    issuer: formatName(issuer),
    key: publicKey.label,
    expires: notAfter.toISOString(),
  };
}

async function protection(
  token: Token,
  session: Handle,
  { handle }: TokenObject,
): Promise<Record<string, string>> {
  const said = await token.module.attributes(session, handle, ["CKA_SENSITIVE", "CKA_EXTRACTABLE"]);
  return {
    ...(said.CKA_SENSITIVE === undefined ? {} : { sensitive: yesOrNo(said.CKA_SENSITIVE) }),
    ...(said.CKA_EXTRACTABLE === undefined ? {} : { extractable: yesOrNo(said.CKA_EXTRACTABLE) }),
  };
}

const yesOrNo = (value: boolean): string => (value ? "yes" : "no");

function pinState(flags: number): string {
  if ((flags & CKF_LOGIN_REQUIRED) === 0) return "not needed";
  if (flags & CKF_USER_PIN_LOCKED) return "locked";
  if (flags & CKF_USER_PIN_TO_BE_CHANGED) return "must be changed";
  if (flags & CKF_USER_PIN_FINAL_TRY) return "one attempt left";
  if (flags & CKF_USER_PIN_COUNT_LOW) return "wrong PINs were tried";
  return flags & CKF_PROTECTED_AUTHENTICATION_PATH ? "by PIN pad" : "ready";
}

const kinds = {
  cert: "certificate",
  private: "private-key",
  public: "public-key",
  "secret-key": "secret-key",
  data: "data",
} as const satisfies Record<Pkcs11ObjectType, CredentialDescription["kind"]>;
