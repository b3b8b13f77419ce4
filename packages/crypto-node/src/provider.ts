import {
  constants,
  createDiffieHellman,
  createECDH,
  createPublicKey,
  hash as hashOnce,
  type KeyObject,
  randomBytes,
  verify,
} from "node:crypto";
import {
  type CryptoProvider,
  type EphemeralKey,
  formsFit,
  notInGroup,
  type PublicKeyInfo,
  parsePublicKeyInfo,
  type SignatureScheme,
} from "@ddscred/core";
import { LARGE, verifyInTurns } from "./provider-large.ts";
import { isInModp2048_256, modp2048_256 } from "./provider-modp.ts";

/**
 * The CryptoProvider on `node:crypto`: two to four times as fast as WebCrypto, any salt length of RSASSA-PSS,
 * and the MODP group. It verifies in the calling thread, for a signature takes less time than a change of threads;
 * of a message of more than 256 KiB it hashes some at a time, between which the event loop has its turn.
 */
export function nodeCrypto(): CryptoProvider {
  return provider;
}

const provider: CryptoProvider = Object.freeze<CryptoProvider>({
  name: "node",
  anyPssSalt: true,

  async verify(publicKey, scheme, message, signature) {
    const imported = importKey(publicKey);
    if (imported === undefined || !formsFit(imported.info, scheme, signature)) return false;
    try {
      const hash = scheme.keyType === "ed25519" ? null : hashNames[scheme.hash];
      const key = { key: imported.key, ...paddingOf(scheme) };
      if (hash !== null && message.length > LARGE) return await verifyInTurns(hash, message, key, signature);
      return verify(hash, message, key, signature);
    } catch {
      return false; // OpenSSL throws for keys that cannot be, such as an even modulus
    }
  },

  async verifySha1(publicKey, message, signature) {
    const imported = importKey(publicKey);
    if (imported === undefined) return false;
    try {
      return verify("sha1", message, imported.key, signature);
    } catch {
      return false; // a key of another kind
    }
  },

  async digest(hash, data) {
    return bytes(hashOnce(hashNames[hash], data, "buffer"));
  },

  randomBytes(length) {
    return bytes(randomBytes(length));
  },

  async generateEphemeralKey(group) {
    return group === "P-256" ? ephemeralP256() : ephemeralModp();
  },
});

interface ImportedKey {
  readonly info: PublicKeyInfo;
  readonly key: KeyObject;
}

/** Reading a key takes longer than verifying with it, and a path or a handshake uses the same few again. */
function importKey(publicKey: Uint8Array): ImportedKey | undefined {
  const der = Buffer.from(publicKey);
  const name = der.toString("latin1");
  const known = recentKeys.get(name);
  if (known !== undefined) return known;
  try {
    const info = parsePublicKeyInfo(publicKey);
    const imported = { info, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
    const [oldest] = recentKeys.keys();
    if (oldest !== undefined && recentKeys.size >= MAX_RECENT_KEYS) recentKeys.delete(oldest);
    recentKeys.set(name, imported);
    return imported;
  } catch {
    return undefined;
  }
}

const recentKeys = new Map<string, ImportedKey>();
const MAX_RECENT_KEYS = 64;

function paddingOf(scheme: SignatureScheme): object {
  if (scheme.padding === "pss") {
    const saltLength = scheme.exactSaltLength ?? constants.RSA_PSS_SALTLEN_AUTO;
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  }
  return scheme.padding === "pkcs1" ? { padding: constants.RSA_PKCS1_PADDING } : {};
}

function ephemeralP256(): EphemeralKey {
  const ecdh = createECDH("prime256v1");
  const publicKey = bytes(ecdh.generateKeys());
  return {
    group: "P-256",
    publicKey,
    async agree(peerPublicKey) {
      if (peerPublicKey.length !== 65 || peerPublicKey[0] !== 4) throw notInGroup("P-256");
      try {
        return bytes(ecdh.computeSecret(peerPublicKey));
      } catch (cause) {
        throw notInGroup("P-256", cause);
      }
    },
  };
}

function ephemeralModp(): EphemeralKey {
  const dh = createDiffieHellman(modp2048_256.prime, "hex", modp2048_256.generator, "hex");
  const publicKey = padded(dh.generateKeys(), 256);
  return {
    group: "MODP-2048-256",
    publicKey,
    async agree(peerPublicKey) {
      if (!isInModp2048_256(peerPublicKey)) throw notInGroup("MODP-2048-256");
      return padded(dh.computeSecret(peerPublicKey), 256);
    },
  };
}

/** A plain Uint8Array of its own memory: Buffers may share a pool, and their methods differ. */
const bytes = (buffer: Buffer): Uint8Array =>
  buffer.length === buffer.buffer.byteLength ? new Uint8Array(buffer.buffer) : new Uint8Array(buffer);

function padded(number: Buffer, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out.set(number, length - number.length);
  return out;
}

const hashNames = { "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" } as const;
