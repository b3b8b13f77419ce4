import {
  type CredentialSource,
  type CredentialWriter,
  isCredentialWriter,
  type KeyGenerator,
  type NewKeyType,
  type StoredKeyPair,
} from "@ddscred/core";
import { fails, given } from "../assert.ts";
import type { BackendFixture } from "../fixture.ts";
import type { Switch } from "../switch.ts";
import { NOT_FOUND } from "./certificates.ts";

/** Makes a key, and removes it afterwards where that can be done. */
export async function withNewKey(
  fixture: BackendFixture,
  run: (made: StoredKeyPair) => Promise<void>,
): Promise<void> {
  const made = await generate(fixture);
  try {
    await run(made);
  } finally {
    await removeKey(fixture, made);
  }
}

export async function removeKey(
  fixture: BackendFixture,
  { uri, publicKeyUri }: StoredKeyPair,
): Promise<void> {
  const { source } = fixture;
  if (!isCredentialWriter(source)) return;
  await source.remove(unlocked(fixture, uri));
  if (publicKeyUri !== undefined) await source.remove(unlocked(fixture, publicKeyUri));
  await fails(() => source.signer(unlocked(fixture, uri)), NOT_FOUND, "the key after remove()");
}

export function generate(fixture: BackendFixture, signal?: Switch): Promise<StoredKeyPair> {
  const uri = given(fixture.uris.newKey, "uris.newKey");
  const options = { keyType: keyTypeOf(fixture), ...(signal === undefined ? {} : { signal }) };
  return generator(fixture.source).generateKeyPair(uri, options);
}

export const keyTypeOf = ({ supports }: BackendFixture): NewKeyType =>
  supports.ecKeys ? "ec-p256" : "rsa-2048";

export const unlocked = ({ unlock }: BackendFixture, uri: string): string =>
  uri.includes("?") ? uri : (unlock?.(uri) ?? uri);

export function generator(source: CredentialSource): KeyGenerator {
  return source as CredentialSource & KeyGenerator;
}

export function writer(source: CredentialSource): CredentialWriter {
  return source as CredentialSource & CredentialWriter;
}
