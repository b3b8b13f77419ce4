import { CredentialError, type NewKeyType } from "@ddscred/core";
import type { Handle, KeyPairHandles } from "../cryptoki/module.ts";
import type { Template } from "../cryptoki/template.ts";
import { quoted } from "../token/names.ts";
import type { Token } from "../token/token.ts";
import { type MadeKeyPair, type NewKeyPair, storeKeyPair } from "./key-pair.ts";
import { keyKinds } from "./kinds.ts";
import { privateTemplate, publicTemplate } from "./templates.ts";

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
      return await generate(session, token.limits.takesPurpose ? signsOnly : {}).catch((error: unknown) => {
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

function kindRefused(error: CredentialError, token: Token, kind: string): CredentialError {
  const { rv = "", call = "" } = error;
  if (!refusals.has(rv)) return error;
  const { label } = token.slot.token;
  const message = `the token ${quoted(label)} makes no ${kind} keys (${call}: ${rv})`;
  const hint =
    "Let it make a key of another type, or use another token; `ddscred doctor` tells what each signs.";
  return new CredentialError("KEY_UNSUPPORTED", message, { rv, call, hint });
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
