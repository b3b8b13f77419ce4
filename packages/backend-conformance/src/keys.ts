import { given, ok } from "./assert.ts";
import type { BackendFixture, FixtureMaterial } from "./fixture.ts";
import { conformanceMaterial, type StoredCertificate } from "./material/material.ts";

/** A key pair of the fixture that checks use. */
export interface FixtureKey {
  readonly keyType: "ec" | "rsa";
  readonly stored: StoredCertificate;
  /** URIs */
  readonly certificate: string;
  readonly privateKey: string;
}

/** The pairs of all kinds that the store can hold, EC first. */
export function keysOf(fixture: BackendFixture): readonly FixtureKey[] {
  const { supports, uris } = fixture;
  const { ec, rsa } = materialOf(fixture);
  const keys: FixtureKey[] = [];
  if (supports.ecKeys) {
    keys.push({
      keyType: "ec",
      stored: given(ec, "material.ec"),
      certificate: given(uris.ecCertificate, "uris.ecCertificate"),
      privateKey: given(uris.ecPrivateKey, "uris.ecPrivateKey"),
    });
  }
  if (supports.rsaKeys) {
    keys.push({
      keyType: "rsa",
      stored: given(rsa, "material.rsa"),
      certificate: given(uris.rsaCertificate, "uris.rsaCertificate"),
      privateKey: given(uris.rsaPrivateKey, "uris.rsaPrivateKey"),
    });
  }
  return keys;
}

/** The pair for what is not about the kind of key. */
export function keyOf(fixture: BackendFixture): FixtureKey {
  const [first] = keysOf(fixture);
  ok(first !== undefined, "a store holds EC keys or RSA keys");
  return first;
}

export function materialOf({ material }: BackendFixture): FixtureMaterial {
  return material ?? conformanceMaterial;
}
