import { CredentialError } from "../errors/credential-error.ts";
import type { CryptoProvider, EphemeralKey } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import { ecdsaDerToRaw } from "./ecdsa-signature.ts";
import { formsFit } from "./forms.ts";
import { type HostCryptoKey, type HostSubtleCrypto, hostCrypto } from "./web-host.ts";

/**
 * The CryptoProvider on the host's WebCrypto: browsers, Node.js, Deno, Bun, and no further package.
 * It cannot recover the salt length of RSASSA-PSS (only the scheme's own and the longest are tried), and has
 * no MODP group; `nodeCrypto()` of @ddscred/crypto-node can do both and is faster.
 *
 * @throws CredentialError `UNSUPPORTED` where the host has no WebCrypto (a page that is not served securely)
 */
export function webCrypto(): CryptoProvider {
  const host = hostCrypto();
  const { subtle } = host;
  return {
    name: "webcrypto",
    anyPssSalt: false,

    async verify(publicKey, scheme, message, signature) {
      if (!formsFit(publicKey, scheme, signature)) return false;
      const raw = (scheme.curve && ecdsaDerToRaw(signature, scheme.curve)) ?? signature;
      const key = await importKey(subtle, publicKey, scheme);
      if (key === undefined) return false;
      for (const algorithm of verifyAlgorithms(scheme, key.algorithm.modulusLength)) {
        if (await orFalse(scheme, subtle.verify(algorithm, key, raw, message))) return true;
      }
      return false;
    },

    async digest(hash, data) {
      return new Uint8Array(await subtle.digest(hash, data));
    },

    randomBytes(length) {
      return host.getRandomValues(new Uint8Array(length));
    },

    async generateEphemeralKey(group) {
      if (group === "P-256") return await ephemeralP256(subtle);
      throw new CredentialError("UNSUPPORTED", `WebCrypto has no Diffie-Hellman in the group ${group}`, {
        hint: "Use nodeCrypto() of @ddscred/crypto-node.",
      });
    },
  };
}

/** RFC 5480 and RFC 8017 names, as WebCrypto spells them. */
function importAlgorithm(scheme: SignatureScheme): object {
  if (scheme.keyType === "ec") return { name: "ECDSA", namedCurve: scheme.curve };
  if (scheme.keyType === "ed25519") return { name: "Ed25519" };
  return { name: scheme.padding === "pss" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5", hash: scheme.hash };
}

async function importKey(
  subtle: HostSubtleCrypto,
  publicKey: Uint8Array,
  scheme: SignatureScheme,
): Promise<HostCryptoKey | undefined> {
  try {
    return await subtle.importKey("spki", publicKey, importAlgorithm(scheme), false, ["verify"]);
  } catch (error) {
    refuseUnsupported(scheme, error);
    return undefined;
  }
}

/** What to try in turn: one algorithm, but for PSS one by salt length. */
function verifyAlgorithms(scheme: SignatureScheme, modulusLength = 0): object[] {
  if (scheme.keyType === "ec") return [{ name: "ECDSA", hash: scheme.hash }];
  if (scheme.keyType === "ed25519") return [{ name: "Ed25519" }];
  if (scheme.saltLength === undefined) return [{ name: "RSASSA-PKCS1-v1_5" }];
  if (scheme.exactSaltLength !== undefined) return [{ name: "RSA-PSS", saltLength: scheme.exactSaltLength }];
  const emLen = Math.ceil((modulusLength - 1) / 8); // RFC 8017 9.1.1; a hash is as long as the scheme's salt
  const longest = emLen - scheme.saltLength - 2;
  const salts = longest < scheme.saltLength ? [] : [scheme.saltLength, longest];
  return salts.map((saltLength) => ({ name: "RSA-PSS", saltLength }));
}

async function orFalse(scheme: SignatureScheme, verdict: Promise<boolean>): Promise<boolean> {
  try {
    return await verdict;
  } catch (error) {
    refuseUnsupported(scheme, error);
    return false;
  }
}

function refuseUnsupported(scheme: SignatureScheme, error: unknown): void {
  if ((error as { name?: unknown }).name !== "NotSupportedError") return;
  throw new CredentialError("UNSUPPORTED", `this host's WebCrypto lacks ${scheme.name}`, { cause: error });
}

async function ephemeralP256(subtle: HostSubtleCrypto): Promise<EphemeralKey> {
  const pair = await subtle.generateKey(P256, false, ["deriveBits"]);
  const publicKey = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  return {
    group: "P-256",
    publicKey,
    async agree(peerPublicKey) {
      try {
        if (peerPublicKey.length !== 65 || peerPublicKey[0] !== 4)
          throw new Error("not an uncompressed point");
        const peer = await subtle.importKey("raw", peerPublicKey, P256, false, []);
        const bits = await subtle.deriveBits({ name: "ECDH", public: peer }, pair.privateKey, 256);
        return new Uint8Array(bits);
      } catch (cause) {
        throw notInGroup("P-256", cause);
      }
    },
  };
}

/** The refusal of a peer's key agreement value, in every provider alike. */
export function notInGroup(group: string, cause?: unknown): CredentialError {
  return new CredentialError("KEY_INVALID", `the peer's public key is not an element of the group ${group}`, {
    hint: "The peer sent a damaged or malicious key agreement value; nothing was agreed.",
    cause,
  });
}

const P256 = { name: "ECDH", namedCurve: "P-256" };
