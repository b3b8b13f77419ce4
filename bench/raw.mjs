import { constants, createPublicKey, hash, verify } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./measure.mjs";
import { MESSAGE, PIN, TOKEN } from "./ours.mjs";

/** The least that a careful caller does: a session a lane, the message hashed here. */
export function raw(key, isAsynchronous) {
  const { pkcs11js, module, slot } = openRaw();
  const mechanism = rawMechanism(pkcs11js, key);
  const length = key === "ec" ? 64 : 256;
  return (lanes) => {
    const sessions = Array.from({ length: lanes }, () => {
      const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
      return { session, key: rawKey(pkcs11js, module, session) };
    });
    return (lane) => {
      const { session, key: handle } = sessions[lane];
      module.C_SignInit(session, mechanism, handle);
      const digest = hash("sha256", MESSAGE, "buffer");
      if (isAsynchronous) return module.C_SignAsync(session, digest, Buffer.allocUnsafe(length));
      return module.C_Sign(session, digest, Buffer.allocUnsafe(length));
    };
  };
}

/** A first signature, as a caller makes it who asks for nothing. */
export function signOnce(key) {
  const opened = openRaw();
  const { pkcs11js, module, session } = opened;
  const own = rawKey(pkcs11js, module, session);
  module.C_SignInit(session, rawMechanism(pkcs11js, key), own);
  const signature = module.C_Sign(session, hash("sha256", MESSAGE, "buffer"), Buffer.alloc(256));
  return { opened, own, signature };
}

/** The same, with what ddscred finds out and proves besides. */
export function signOnceProven(key) {
  const { opened, own, signature } = signOnce(key);
  if (!isRight(key, rawPublicKey(key, opened, own), signature)) throw new Error("wrong key");
}

function openRaw() {
  const pkcs11js = createRequire(join(root, "packages/backend-pkcs11/package.json"))("pkcs11js");
  const module = new pkcs11js.PKCS11();
  module.load(process.env.BENCH_MODULE);
  unless(pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED, () =>
    module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }),
  );
  const slot = module.C_GetSlotList(true).find((one) => module.C_GetTokenInfo(one).label.trim() === TOKEN);
  const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
  unless(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => module.C_Login(session, pkcs11js.CKU_USER, PIN));
  return { pkcs11js, module, slot, session };
}

function rawKey(pkcs11js, module, session) {
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_LABEL, value: "alice_key" },
  ]);
  const [key] = module.C_FindObjects(session, 1);
  module.C_FindObjectsFinal(session);
  return key;
}

function rawMechanism(pkcs11js, key) {
  if (key === "ec") return { mechanism: pkcs11js.CKM_ECDSA, parameter: null };
  const parameter = {
    type: pkcs11js.CK_PARAMS_RSA_PSS,
    hashAlg: pkcs11js.CKM_SHA256,
    mgf: pkcs11js.CKG_MGF1_SHA256,
    saltLen: 32,
  };
  return { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter };
}

function unless(rv, run) {
  try {
    run();
  } catch (error) {
    if (error.code !== rv) throw error;
  }
}

/** What a careful caller asks for besides: may the key sign, how is it kept, what is it called, and its public half. */
function rawPublicKey(key, { pkcs11js, module, session }, own) {
  const read = (object, ...types) => {
    const values = module.C_GetAttributeValue(
      session,
      object,
      types.map((type) => ({ type })),
    );
    return values.map(({ value }) => value);
  };
  const [, id] = read(own, pkcs11js.CKA_LABEL, pkcs11js.CKA_ID);
  read(own, pkcs11js.CKA_KEY_TYPE, pkcs11js.CKA_SIGN, pkcs11js.CKA_EXTRACTABLE);
  read(own, pkcs11js.CKA_ALWAYS_AUTHENTICATE);
  if (key === "rsa") {
    const [n, e] = read(own, pkcs11js.CKA_MODULUS, pkcs11js.CKA_PUBLIC_EXPONENT);
    return { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  }
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_ID, value: id },
  ]);
  const [other] = module.C_FindObjects(session, 1);
  module.C_FindObjectsFinal(session);
  const [point] = read(other, pkcs11js.CKA_EC_POINT, pkcs11js.CKA_EC_PARAMS);
  const coordinate = (start) => point.subarray(start, start + 32).toString("base64url");
  return { kty: "EC", crv: "P-256", x: coordinate(3), y: coordinate(35) };
}

function isRight(key, jwk, signature) {
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const how =
    key === "rsa"
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { dsaEncoding: "ieee-p1363" };
  return verify("sha256", MESSAGE, { key: publicKey, ...how }, signature);
}
