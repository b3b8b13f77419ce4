import type { CredentialSource } from "@ddscred/core";
import type { StoredCertificate } from "./material/material.ts";

/** Makes a fixture for one check. The source is fresh each time; the store behind it may be the same one. */
export type BackendFactory = () => BackendFixture | Promise<BackendFixture>;

/** A source under test, over a store that holds the `conformanceMaterial`, or material of its own. */
export interface BackendFixture {
  readonly source: CredentialSource;
  /** What the backend can do, said for every capability; each word is checked. */
  readonly supports: BackendSupport;
  readonly uris: FixtureUris;
  /** What the store holds, where keys cannot be put into it. Default: the `conformanceMaterial`. */
  readonly material?: FixtureMaterial;
  /** With `login`: the URI (one that the source listed) with what logging in needs added. */
  readonly unlock?: (uri: string) => string;
  /** Removes what the factory made; called after the source was closed. */
  readonly release?: () => void | Promise<void>;
}

/**
 * Certificates for keys that the store made itself, or that came with it. Like the `conformanceMaterial`: P-256
 * and RSA with 2048 bits, all of them valid until the start of 2046, with an extension at least.
 */
export interface FixtureMaterial {
  readonly ca: StoredCertificate;
  /** With `ecKeys`. */
  readonly ec?: StoredCertificate;
  /** With `rsaKeys`. */
  readonly rsa?: StoredCertificate;
  /** With `ambiguity`: all that one URI names, for a store that has no labels to give; `ec` and `rsa` may be among them. */
  readonly twins: readonly StoredCertificate[];
}

/** The capabilities beyond the mandatory methods. A new one is false until a fixture says otherwise. */
export interface BackendSupport {
  /** It holds EC keys on P-256. It holds these, RSA keys, or both. */
  readonly ecKeys: boolean;
  /** It holds RSA keys with 2048 bits. */
  readonly rsaKeys: boolean;
  /** It is a DocumentSource. */
  readonly documents: boolean;
  /** It is a RevocationSource. */
  readonly revocationLists: boolean;
  /** It is a CredentialDirectory. */
  readonly directory: boolean;
  /** It is a KeyGenerator. */
  readonly keyGeneration: boolean;
  /** It is a CredentialWriter. */
  readonly writing: boolean;
  /** It is a HealthReport. */
  readonly health: boolean;
  /** One URI can name several certificates: a chain. */
  readonly chains: boolean;
  /** One URI can match several objects where one is wanted. */
  readonly ambiguity: boolean;
  /** It opens encrypted keys with `SignerOptions.passphrase`. */
  readonly passphrases: boolean;
  /** Its private keys stand behind a login, whose PIN a URI can carry. */
  readonly login: boolean;
  /** A URI can carry a secret: a PIN, a passphrase, or the credential itself. */
  readonly secretsInUris: boolean;
}

/** URIs of the material in the fixture's store. */
export interface FixtureUris {
  /** With `ecKeys`. URIs of private keys are with the PIN, here and below, where one is needed. */
  readonly ecCertificate?: string;
  readonly ecPrivateKey?: string;
  /** With `rsaKeys`. */
  readonly rsaCertificate?: string;
  readonly rsaPrivateKey?: string;
  readonly ca: string;
  /** Well-formed, and name nothing. */
  readonly missingCertificate: string;
  readonly missingPrivateKey: string;
  /** Texts that start with a scheme of the source and break its grammar; at least one. */
  readonly invalid: readonly string[];

  /** With `chains`: `ec` (`rsa` where there are no EC keys), then `ca`. */
  readonly chain?: string;
  /** With `ambiguity`: the label of the twins, of either kind. */
  readonly ambiguousCertificate?: string;
  readonly ambiguousPrivateKey?: string;
  /** With `documents`. */
  readonly document?: string;
  readonly missingDocument?: string;
  /** With `revocationLists`. */
  readonly revocationList?: string;
  readonly missingRevocationList?: string;
  /** With `directory`: matches all that the store holds; with the PIN where private objects hide without one. */
  readonly everything?: string;
  /** With `keyGeneration`, `writing`: names that are free, new ones in each fixture, with a PIN where one is needed. */
  readonly newKey?: string;
  readonly newCertificate?: string;
  /** With `passphrases`. */
  readonly encryptedPrivateKey?: string;
  /** With `login`: the key of `ec` (or `rsa`) without a PIN, and with a wrong one. */
  readonly withoutPin?: string;
  readonly withWrongPin?: string;
  /**
   * With `secretsInUris`: URIs that carry this text where a secret stands, valid and damaged ones, which name
   * no certificate and no key. No token may count them as an attempt to log in.
   */
  readonly withSecret?: (secret: string) => readonly string[];
}

export type Capability = keyof BackendSupport;

/** What goes with a capability: methods of the source and parts of the fixture. */
export const capabilities: Readonly<
  Record<Capability, { methods: readonly string[]; uris: readonly (keyof FixtureUris)[] }>
> = {
  ecKeys: { methods: [], uris: ["ecCertificate", "ecPrivateKey"] },
  rsaKeys: { methods: [], uris: ["rsaCertificate", "rsaPrivateKey"] },
  documents: { methods: ["document"], uris: ["document", "missingDocument"] },
  revocationLists: { methods: ["revocationLists"], uris: ["revocationList", "missingRevocationList"] },
  directory: { methods: ["list"], uris: ["everything"] },
  keyGeneration: { methods: ["generateKeyPair"], uris: ["newKey"] },
  writing: { methods: ["importCertificate", "remove"], uris: ["newCertificate"] },
  health: { methods: ["diagnose"], uris: [] },
  chains: { methods: [], uris: ["chain"] },
  ambiguity: { methods: [], uris: ["ambiguousCertificate", "ambiguousPrivateKey"] },
  passphrases: { methods: [], uris: ["encryptedPrivateKey"] },
  login: { methods: [], uris: ["withoutPin", "withWrongPin"] },
  secretsInUris: { methods: [], uris: ["withSecret"] },
};
