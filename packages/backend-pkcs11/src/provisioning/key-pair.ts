import { type AbortSignalLike, CredentialError, type KeyProtection } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { checkWanted } from "../calls.ts";
import type { Handle, KeyPairHandles } from "../cryptoki/module.ts";
import { describeKey, keysOf } from "../objects/private-key.ts";
import { objectAt, objectUri, search } from "../objects/search.ts";
import { signOnce } from "../signing/sign-once.ts";
import { TokenSigner } from "../signing/token-signer.ts";
import type { PinRequest } from "../token/pin.ts";
import type { Token } from "../token/token.ts";
import { checkFree, type NewName } from "./name.ts";

/** A key pair that is on the token now, and has signed. */
export interface MadeKeyPair {
  readonly uri: string;
  readonly publicKeyUri: string;
  readonly protection: KeyProtection;
  readonly signer: TokenSigner;
}

/** On which token, under which name, with which PIN, and until when. */
export interface NewKeyPair {
  readonly token: Token;
  readonly name: NewName;
  readonly pin: PinRequest;
  readonly signal: AbortSignalLike | undefined;
}

/**
 * Brings a key pair onto the token under a name that is free, and lets it sign. Where that fails, or nobody
 * waits for it any more, the pair is removed.
 *
 * @param make brings it there; what it leaves behind where it fails is removed if the id shows that it is its own
 */
export async function storeKeyPair(
  wanted: NewKeyPair,
  make: (session: Handle) => Promise<KeyPairHandles>,
): Promise<MadeKeyPair> {
  const { token, name, pin, signal } = wanted;
  let isOurs = name.isFresh;
  let isLeft = false;
  const store = async (session: Handle): Promise<MadeKeyPair> => {
    if (name.label !== "") await checkFree(token, session, ["private", "public"], { object: name.label });
    if (!name.isFresh) await checkFree(token, session, ["private", "public", "cert"], { id: name.id });
    checkWanted(signal);
    let made: KeyPairHandles | undefined;
    isLeft = true;
    try {
      made = await make(session);
      isOurs = true;
      const proved = await prove(wanted, session, made);
      checkWanted(signal);
      return proved;
    } catch (error) {
      isLeft = !(await isRemoved(wanted, session, made));
      throw error;
    }
  };
  return await token.writing.inTurn(async () => {
    try {
      const made = await token.writing.use(pin, store, signal);
      checkWanted(signal); // meanwhile the session was given back
      return made;
    } catch (error) {
      if (isLeft && isOurs) await removeAgain(wanted);
      throw error;
    }
  });
}

async function prove(wanted: NewKeyPair, session: Handle, made: KeyPairHandles): Promise<MadeKeyPair> {
  const { token, pin, signal } = wanted;
  const { module, epoch } = token;
  const protection = await protectionOf(token, session, made.privateKey);
  const object = await objectAt(module, session, "private", made.privateKey);
  const publicKey = await objectAt(module, session, "public", made.publicKey);
  const [key] = keysOf(await describeKey(token, session, object));
  if (key === undefined) throw new TypeError("a key has a public half");
  const signer = new TokenSigner(token, key, { epoch, handle: object.handle }, pin, nodeCrypto());
  await signOnce(signer.schemes, signal, (scheme, challenge) => signer.signFor(session, scheme, challenge));
  return { uri: key.uri(), publicKeyUri: objectUri(token, publicKey), protection, signer };
}

async function protectionOf(token: Token, session: Handle, key: Handle): Promise<KeyProtection> {
  const said = await token.module.attributes(session, key, [
    "CKA_SENSITIVE",
    "CKA_EXTRACTABLE",
    "CKA_NEVER_EXTRACTABLE",
    "CKA_LOCAL",
  ]);
  if (said.CKA_SENSITIVE === false || said.CKA_EXTRACTABLE === true) {
    const message = "the token would let the new private key out, against what it was told";
    throw new CredentialError("TOKEN_ERROR", `${message}; the key was removed`, {
      hint: "Use a token that honours CKA_SENSITIVE and CKA_EXTRACTABLE.",
    });
  }
  const { CKA_SENSITIVE: sensitive, CKA_NEVER_EXTRACTABLE: neverExtractable, CKA_LOCAL: local } = said;
  return {
    ...(sensitive === undefined ? {} : { sensitive }),
    ...(neverExtractable === undefined ? {} : { neverExtractable }),
    ...(local === undefined ? {} : { local }),
  };
}

/** Removes the pair by its handles, if they are good. */
async function isRemoved(
  { token: { module } }: NewKeyPair,
  session: Handle,
  made: KeyPairHandles | undefined,
): Promise<boolean> {
  if (made === undefined) return false;
  try {
    await module.destroyObject(session, made.privateKey);
    await module.destroyObject(session, made.publicKey);
    return true;
  } catch {
    return false;
  }
}

/** Where the module was lost meanwhile, by the name, which was free before. */
async function removeAgain({ token, name, pin }: NewKeyPair): Promise<void> {
  await token
    .unlock(pin)
    .then(() => token.writing.use(pin, (session) => removeNamed(token, session, name)))
    .catch(() => undefined); // why it failed in the first place is what the caller must know
}

async function removeNamed(token: Token, session: Handle, { label, id }: NewName): Promise<void> {
  for (const type of ["private", "public"] as const) {
    const found = await search(token.module, session, type, { object: label, id });
    const [only] = found;
    if (only !== undefined && found.length === 1) await token.module.destroyObject(session, only.handle);
  }
}
