import {
  CredentialError,
  type Pkcs11Uri,
  type PublicKeyInfo,
  parsePublicKeyInfo,
  sameBytes,
  selectOne,
  tokenError,
} from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { type PublicHalves, publicHalvesOf } from "./public-key.ts";
import { type ObjectPath, objectNames, objectUri, search, type TokenObject } from "./search.ts";

/** What is known of a private key that stays true when its handle dies. */
export interface PrivateKey {
  /** Canonical. */
  readonly uri: () => string;
  /** Finds it again. */
  readonly selector: ObjectPath;
  readonly publicKey: PublicKeyInfo;
  readonly extractable: boolean | undefined;
  /** CKA_ALWAYS_AUTHENTICATE: each signature wants the PIN. */
  readonly alwaysAuthenticate: boolean;
}

/** A key, with a handle that is good for one epoch. */
export interface BoundKey {
  readonly epoch: number;
  readonly handle: Handle;
}

/** A key that was found, once with each public half that it may have, the likeliest first. */
export interface FoundKey {
  readonly keys: readonly PrivateKey[];
  readonly bound: BoundKey;
}

/**
 * The one private key that the URI names.
 *
 * `OBJECT_NOT_FOUND`, `OBJECT_AMBIGUOUS`, `KEY_UNSUPPORTED`, `MECHANISM_UNSUPPORTED` for a key that may not sign,
 * `KEY_MISMATCH` where nothing but the expectation tells the public half, and that is of another type.
 *
 * @param expected SPKI of the public half that the caller expects
 */
export async function findPrivateKey(
  token: Token,
  uri: Pick<Pkcs11Uri, "path">,
  text: string,
  expected?: Uint8Array,
): Promise<FoundKey> {
  const { epoch } = token;
  return await token.use(async (session) => {
    const object = await selectKey(token, session, uri.path, text);
    const known = described.get(object) ?? (await describeKey(token, session, object));
    described.set(object, known);
    return { keys: keysOf(known, expected), bound: { epoch, handle: object.handle } };
  });
}

/** The handle of a known key in the epoch of this moment. */
export async function bindKey(token: Token, { selector, uri }: PrivateKey): Promise<BoundKey> {
  const { epoch } = token;
  return await token.use(async (session) => {
    const { handle } = await selectKey(token, session, selector, uri());
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

/** What a private key says of itself, and the others say of it. For the errors see {@link findPrivateKey}. */
export async function describeKey(token: Token, session: Handle, object: TokenObject): Promise<KnownKey> {
  const uri = (): string => objectUri(token, object);
  const [said] = await token.module.attributesOf(session, [object.handle], usageAttributes);
  if (said === undefined) throw tokenError("CKR_OBJECT_HANDLE_INVALID", "C_GetAttributeValue");
  if (said.CKA_SIGN === false) {
    throw new CredentialError("MECHANISM_UNSUPPORTED", "the private key may not sign (CKA_SIGN is false)", {
      uri: uri(),
    });
  }
  return {
    uri,
    selector: { object: object.label, id: object.id },
    halves: await publicHalvesOf(token, session, object),
    extractable: said.CKA_EXTRACTABLE,
    alwaysAuthenticate: said.CKA_ALWAYS_AUTHENTICATE ?? false,
  };
}

interface KnownKey extends Omit<PrivateKey, "publicKey"> {
  readonly halves: PublicHalves;
}

/** The key with each public half that it may have: those that the token tells, then the one that is expected. */
export function keysOf({ halves, ...known }: KnownKey, expected?: Uint8Array): readonly PrivateKey[] {
  const { keyType, candidates } = halves;
  const { uri } = known;
  const given = expected === undefined ? undefined : parsePublicKeyInfo(expected);
  const fits = given !== undefined && (keyType === undefined || keyType === given.keyType);
  const isNew = fits && !candidates.some(({ spki }) => sameBytes(spki, given.spki));
  const all = isNew ? [...candidates, given] : candidates;
  const [first] = all;
  if (first !== undefined) {
    const usable = all.filter(isUsable);
    if (usable.length > 0) return usable.map((publicKey) => ({ ...known, publicKey }));
    throw new CredentialError("KEY_UNSUPPORTED", `a key of the kind ${first.label} cannot be used`, {
      uri: uri(),
    });
  }
  if (given !== undefined) {
    throw new CredentialError("KEY_MISMATCH", `the private key on the token is no ${given.label} key`, {
      uri: uri(),
    });
  }
  throw new CredentialError(
    "OBJECT_NOT_FOUND",
    "nothing on the token tells the public half of the private key",
    {
      uri: uri(),
      hint: "Store its certificate, or a public key object, under the same id (CKA_ID) as the private key.",
    },
  );
}

/** What was read of objects that are given out again. */
const described = new WeakMap<TokenObject, KnownKey>();

const usageAttributes = ["CKA_SIGN", "CKA_EXTRACTABLE", "CKA_ALWAYS_AUTHENTICATE"] as const;

function isUsable({ keyType, bits = 0, curve }: PublicKeyInfo): boolean {
  return keyType === "rsa" ? bits >= 2048 : curve !== undefined || keyType === "ed25519";
}
