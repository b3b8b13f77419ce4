import { type AbortSignalLike, CredentialError, type KeyProtection, type NewKeyType } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { checkWanted } from "../calls.ts";
import type { Handle, KeyPairHandles } from "../cryptoki/module.ts";
import type { Template } from "../cryptoki/template.ts";
import { describeKey } from "../objects/private-key.ts";
import { objectAt, objectUri, search } from "../objects/search.ts";
import { TokenSigner } from "../signing/token-signer.ts";
import { quoted } from "../token/names.ts";
import type { PinRequest } from "../token/pin.ts";
import type { Token } from "../token/token.ts";
import { keyKinds } from "./kinds.ts";
import { checkFree, type NewName, naming } from "./name.ts";

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

/** Lets the token make a key pair. For its errors see {@link KeyGenerator}. */
export async function generateKeyPair(wanted: NewKeyPair, keyType: NewKeyType): Promise<MadeKeyPair> {
  const { token, name } = wanted;
  const kind = keyKinds[keyType];
  const generate = async (session: Handle, purpose: Template): Promise<KeyPairHandles> =>
    await token.module.generateKeyPair(session, {
      mechanism: kind.mechanism,
      publicKey: { ...publicTemplate(kind.keyType, name), ...kind.publicKey },
      privateKey: { ...privateTemplate(kind.keyType, name), ...purpose },
    });
  return await storeKeyPair(wanted, async (session) => {
    try {
      return await generate(session, signsOnly).catch((error: unknown) => {
        if (!(error instanceof CredentialError) || !purposeRefusals.has(error.rv ?? "")) throw error;
        return generate(session, {});
      });
    } catch (error) {
      throw error instanceof CredentialError ? kindRefused(error, token, kind.label) : error;
    }
  });
}

/** A key that signs does nothing else, where the token lets that be said; most would let it decrypt too. */
const signsOnly: Template = { CKA_DECRYPT: false, CKA_UNWRAP: false };

/** By which tokens say that they do not want to be told so; no key was made then. */
const purposeRefusals: ReadonlySet<string> = new Set([
  "CKR_TEMPLATE_INCONSISTENT",
  "CKR_ATTRIBUTE_TYPE_INVALID",
  "CKR_ATTRIBUTE_VALUE_INVALID",
  "CKR_ATTRIBUTE_READ_ONLY",
]);

/** What every private key that is stored here says of itself: it signs, and stays. */
export function privateTemplate(keyType: number, name: NewName): Template {
  return {
    CKA_KEY_TYPE: keyType,
    CKA_TOKEN: true,
    CKA_PRIVATE: true,
    CKA_SENSITIVE: true,
    CKA_EXTRACTABLE: false,
    CKA_SIGN: true,
    ...naming(name),
  };
}

export function publicTemplate(keyType: number, name: NewName): Template {
  return {
    CKA_KEY_TYPE: keyType,
    CKA_TOKEN: true,
    CKA_PRIVATE: false,
    CKA_VERIFY: true,
    ...naming(name),
  };
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
  const { token, name, signal } = wanted;
  let isOurs = name.isFresh;
  return await token.write(async (session) => {
    if (name.label !== "") await checkFree(token, session, ["private", "public"], { object: name.label });
    if (!name.isFresh) await checkFree(token, session, ["private", "public", "cert"], { id: name.id });
    checkWanted(signal);
    let made: KeyPairHandles | undefined;
    try {
      made = await make(session);
      isOurs = true;
      const proved = await prove(wanted, session, made);
      checkWanted(signal);
      return proved;
    } catch (error) {
      if (isOurs) await removeAgain(wanted, session, made);
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
  const key = await describeKey(token, session, object);
  const signer = new TokenSigner(token, key, { epoch, handle: object.handle }, pin, nodeCrypto());
  await signOnce(signer, signal);
  return { uri: key.uri, publicKeyUri: objectUri(token, publicKey), protection, signer };
}

/** The signer verifies the first signature that it makes. */
async function signOnce(signer: TokenSigner, signal: AbortSignalLike | undefined): Promise<void> {
  const challenge = nodeCrypto().randomBytes(32);
  const options = signal === undefined ? {} : { signal };
  let refusal: unknown;
  for (const scheme of signer.schemes) {
    try {
      await signer.sign(scheme, challenge, options);
      return;
    } catch (error) {
      if (!(error instanceof CredentialError) || error.code !== "MECHANISM_UNSUPPORTED") throw error;
      refusal ??= error;
    }
  }
  throw refusal;
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

/** By the handles, else, where the module was lost meanwhile, by the name, which was free before. */
async function removeAgain(
  { token, name, pin }: NewKeyPair,
  session: Handle,
  made: KeyPairHandles | undefined,
): Promise<void> {
  const { module } = token;
  try {
    if (made === undefined) throw new CredentialError("OBJECT_NOT_FOUND", "there is no handle");
    await module.destroyObject(session, made.privateKey);
    await module.destroyObject(session, made.publicKey);
  } catch {
    await token
      .unlock(pin)
      .then(() => token.rewrite((again) => removeNamed(token, again, name)))
      .catch(() => undefined); // why it failed in the first place is what the caller must know
  }
}

async function removeNamed(token: Token, session: Handle, { label, id }: NewName): Promise<void> {
  for (const type of ["private", "public"] as const) {
    const found = await search(token.module, session, type, { object: label, id });
    const [only] = found;
    if (only !== undefined && found.length === 1) await token.module.destroyObject(session, only.handle);
  }
}

function kindRefused(error: CredentialError, token: Token, kind: string): CredentialError {
  const { rv = "", call = "" } = error;
  if (!refusals.has(rv)) return error;
  const { label } = token.slot.token;
  const message = `the token ${quoted(label)} makes no ${kind} keys (${call}: ${rv})`;
  return new CredentialError("KEY_UNSUPPORTED", message, { rv, call });
}

/** By which tokens say that they do not make such keys. */
const refusals: ReadonlySet<string> = new Set([
  "CKR_MECHANISM_INVALID",
  "CKR_MECHANISM_PARAM_INVALID",
  "CKR_FUNCTION_NOT_SUPPORTED",
  "CKR_DOMAIN_PARAMS_INVALID",
  "CKR_CURVE_NOT_SUPPORTED",
  "CKR_KEY_SIZE_RANGE",
]);
