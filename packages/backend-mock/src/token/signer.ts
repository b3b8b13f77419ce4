import {
  type CallOptions,
  CredentialError,
  type SignatureScheme,
  type Signer,
  schemesForKey,
} from "@ddscred/core";
import { schemeKey, signScheme } from "../pki/key.ts";
import type { Cryptoki } from "./cryptoki.ts";
import type { MockKeyObject } from "./objects.ts";
import type { PinSource, TokenSession } from "./session.ts";

interface TokenKey {
  readonly object: MockKeyObject;
  readonly publicKey: Uint8Array;
  readonly session: TokenSession;
  readonly pin: PinSource;
  readonly uri: string;
}

/** A key on a mock token as a Signer. It logs in again where the token was away in between. */
export function tokenSigner({ object, publicKey, session, pin, uri }: TokenKey, cryptoki: Cryptoki): Signer {
  const { key, extractable = false, schemes: allowed } = object;
  const schemes = schemesForKey(schemeKey(key.kind)).filter(({ name }) => allowed?.includes(name) ?? true);
  const { label } = session.token;

  return {
    publicKey,
    schemes,
    extractable,
    async sign(scheme: SignatureScheme, message: Uint8Array, options: CallOptions = {}) {
      const context = { ...options, uri };
      if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
      if (!schemes.includes(scheme)) {
        const text = `a ${key.kind} key of token ${label} makes no ${scheme.name} signature`;
        throw new CredentialError("MECHANISM_UNSUPPORTED", text, { uri });
      }
      const copy = message.slice();
      await session.open(context);
      if (object.private !== false) await session.login(pin, context);
      await cryptoki.call("C_SignInit", label, context, () => undefined);
      return cryptoki.call("C_Sign", label, context, () => signScheme(key, scheme, copy));
    },
  };
}
