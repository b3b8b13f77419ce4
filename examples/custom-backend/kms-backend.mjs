// A ddscred backend by a third party: `kms:NAME` is a key in a key management service, reached over the network.
// The private key never leaves the service. It passes the conformance suite: see custom-backend.test.mjs.

import { CredentialError, certificatesFromPem, parsePublicKeyInfo, schemesForKey } from "@ddscred/core";

/**
 * @typedef {object} KmsClient What the vendor's SDK offers; a call about a missing key rejects with NotFoundException.
 * @property {(key: string) => Promise<string>} getCertificate PEM of the certificate stored beside the key
 * @property {(key: string) => Promise<Uint8Array>} getPublicKey DER of SubjectPublicKeyInfo
 * @property {(key: string, algorithm: string, message: Uint8Array) => Promise<Uint8Array>} sign
 */

/**
 * @param {KmsClient} client
 * @returns {import("@ddscred/core").CredentialSource}
 */
export function kmsBackend(client) {
  const underWay = new Set();
  let closed = false;

  /** Every call goes through here: the rules that all calls share are kept in one place. */
  async function run(uri, { signal } = {}, work) {
    const key = keyName(uri);
    if (closed) throw new CredentialError("CLOSED", "the kms backend is closed", { uri });
    const call = untilAborted(signal, uri, () => work(key)).catch((error) => {
      throw inOurWords(error, uri, key);
    });
    underWay.add(call);
    return call.finally(() => underWay.delete(call));
  }

  const close = async () => {
    closed = true;
    await Promise.allSettled(underWay);
  };

  return {
    name: "kms",
    schemes: ["kms"],

    certificates: (uri, options) =>
      run(uri, options, async (key) => certificatesFromPem(await client.getCertificate(key), { uri })),

    signer: (uri, options) =>
      run(uri, options, async (key) => {
        const publicKey = await client.getPublicKey(key);
        const schemes = schemesForKey(parsePublicKeyInfo(publicKey)).filter(({ name }) => name in ALGORITHMS);
        return {
          publicKey,
          schemes,
          extractable: false,
          sign: (scheme, message, callOptions) =>
            run(uri, callOptions, async () => {
              if (schemes.includes(scheme)) return client.sign(key, ALGORITHMS[scheme.name], message);
              throw new CredentialError("MECHANISM_UNSUPPORTED", `key ${key} cannot sign ${scheme.name}`, {
                uri,
              });
            }),
        };
      }),

    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The service's names of what it can do. */
const ALGORITHMS = {
  ecdsa_p256_sha256: "ECDSA_SHA_256",
  ecdsa_p384_sha384: "ECDSA_SHA_384",
  rsa_pss_sha256: "RSASSA_PSS_SHA_256",
  rsa_pkcs1_sha256: "RSASSA_PKCS1_V1_5_SHA_256",
};

function keyName(uri) {
  if (typeof uri !== "string") throw new TypeError("a URI is a string");
  const name = /^kms:([\w/-]{1,256})$/i.exec(uri)?.[1];
  if (name !== undefined) return name;
  const hint = "Write kms: and the name of the key: letters, digits, _, - and /.";
  throw new CredentialError("URI_INVALID", "the text is no kms: URI", { uri, hint, rule: "bad-syntax" });
}

/** Errors of the service as errors of ddscred: a code, what to do, and whether another try may help. */
function inOurWords(error, uri, key) {
  if (error instanceof CredentialError) return error;
  if (error.name === "NotFoundException") {
    const hint = "Check the name, and the account and region that the client uses.";
    return new CredentialError("OBJECT_NOT_FOUND", `the service has no key ${key}`, { uri, hint });
  }
  return new CredentialError("DEVICE_ERROR", `the service failed: ${error.name}`, { uri, retryable: true });
}

/** The work's result, or `ABORTED` as soon as the signal says so. */
async function untilAborted(signal, uri, work) {
  const { promise, reject } = deferred();
  const abort = () => reject(new CredentialError("ABORTED", "the call was aborted", { uri }));
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, signal?.aborted ? promise : work()]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function deferred() {
  let reject;
  const promise = new Promise((_, no) => (reject = no));
  return { promise, reject };
}
