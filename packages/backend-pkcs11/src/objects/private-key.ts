import { CredentialError, type Pkcs11Uri, type PublicKeyInfo, selectOne, tokenError } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { publicKeyOf } from "./public-key.ts";
import { type ObjectPath, objectNames, objectUri, search, type TokenObject } from "./search.ts";

/** What is known of a private key that stays true when its handle dies. */
export interface PrivateKey {
  /** Canonical. */
  readonly uri: string;
  /** Finds it again. */
  readonly selector: ObjectPath;
  readonly publicKey: PublicKeyInfo;
  /** Whether the public half was given by the caller, because nothing on the token tells it. */
  readonly publicKeyGiven: boolean;
  readonly extractable: boolean | undefined;
  /** CKA_ALWAYS_AUTHENTICATE: each signature wants the PIN. */
  readonly alwaysAuthenticate: boolean;
}

/** A key, with a handle that is good for one epoch. */
export interface BoundKey {
  readonly epoch: number;
  readonly handle: Handle;
}

/**
 * The one private key that the URI names.
 *
 * `OBJECT_NOT_FOUND`, `OBJECT_AMBIGUOUS`, `KEY_UNSUPPORTED`, `MECHANISM_UNSUPPORTED` for a key that may not sign.
 */
export async function findPrivateKey(
  token: Token,
  uri: Pick<Pkcs11Uri, "path">,
  text: string,
  expected?: Uint8Array,
): Promise<{ key: PrivateKey; bound: BoundKey }> {
  const { epoch } = token;
  return await token.use(async (session) => {
    const object = await selectKey(token, session, uri.path, text);
    const key = described.get(object) ?? (await describeKey(token, session, object, expected));
    // What the caller said of the key is not known of it.
    if (!key.publicKeyGiven) described.set(object, key);
    return { key, bound: { epoch, handle: object.handle } };
  });
}

/** The handle of a known key in the epoch of this moment. */
export async function bindKey(token: Token, { selector, uri }: PrivateKey): Promise<BoundKey> {
  const { epoch } = token;
  return await token.use(async (session) => {
    const { handle } = await selectKey(token, session, selector, uri);
    return { epoch, handle };
  });
}

async function selectKey(
  token: Token,
  session: Handle,
  path: ObjectPath,
  text: string,
): Promise<TokenObject> {
  const matching = await token.selections.find(token, session, "private", path);
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  const all = matching.length > 0 ? matching : await search(token.module, session, "private", {});
  return selectOne(matching, all, objectNames(token), { uri: text, what: "private key" });
}

/** What is known of a private key. For the errors see {@link findPrivateKey}. */
export async function describeKey(
  token: Token,
  session: Handle,
  object: TokenObject,
  expected?: Uint8Array,
): Promise<PrivateKey> {
  const uri = objectUri(token, object);
  const [said] = await token.module.attributesOf(session, [object.handle], usageAttributes);
  if (said === undefined) throw tokenError("CKR_OBJECT_HANDLE_INVALID", "C_GetAttributeValue");
  if (said.CKA_SIGN === false) {
    throw new CredentialError("MECHANISM_UNSUPPORTED", "the private key may not sign (CKA_SIGN is false)", {
      uri,
    });
  }
  const { publicKey, given: publicKeyGiven } = await publicKeyOf(token, session, object, expected);
  checkKey(publicKey, uri);
  return {
    uri,
    selector: { object: object.label, id: object.id },
    publicKey,
    publicKeyGiven,
    extractable: said.CKA_EXTRACTABLE,
    alwaysAuthenticate: said.CKA_ALWAYS_AUTHENTICATE ?? false,
  };
}

/** What was read of objects that are given out again. */
const described = new WeakMap<TokenObject, PrivateKey>();

const usageAttributes = ["CKA_SIGN", "CKA_EXTRACTABLE", "CKA_ALWAYS_AUTHENTICATE"] as const;

function checkKey({ keyType, bits = 0, curve, label }: PublicKeyInfo, uri: string): void {
  const isUsable = keyType === "rsa" ? bits >= 2048 : curve !== undefined || keyType === "ed25519";
  if (isUsable) return;
  throw new CredentialError("KEY_UNSUPPORTED", `a key of the kind ${label} cannot be used`, { uri });
}
