import { inspect } from "node:util";
import { CredentialError, redactUri, Secret, tokenError } from "@ddscred/core";
import t from "tap";

const CANARY = "canary-7391";

t.test("a Secret prints as [redacted] in every way JavaScript has of printing", async (t) => {
  const secret = new Secret(CANARY);
  const printed = [
    String(secret),
    [secret].join("-"),
    inspect({ secret }, { depth: 9, showHidden: true }),
    JSON.stringify({ secret }),
    Object.entries(secret).join(),
  ].join("\n");
  t.notMatch(printed, CANARY);
  t.equal(secret.reveal(), CANARY);
});

t.test("an error shows its URI without PIN, also of URIs that do not parse", async (t) => {
  for (const uri of [
    `pkcs11:token=a?pin-value=${CANARY}`,
    `pkcs11:token=a;pin-value=${CANARY};object=b`,
    `PKCS11:?PIN-VALUE=${CANARY}&x=1`,
    `pkcs11:token=a?pin-source=data:,${CANARY}`,
    `pkcs11:token=a?pin-source=|echo%20${CANARY}`,
    `pkcs11:token=a?pin%2Dvalue=${CANARY}`,
    `data:,${CANARY}`,
    `data:application/x-pem-file;base64,${CANARY}`,
    `  data:${CANARY}`,
    `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
  ]) {
    const error = new CredentialError("OBJECT_NOT_FOUND", "none", { uri, candidates: [uri] });
    t.notMatch(`${inspect(error)} ${JSON.stringify(error)} ${redactUri(uri)}`, CANARY, uri.slice(0, 20));
  }
  t.equal(redactUri("pkcs11:token=a?pin-source=file:/etc/pin"), "pkcs11:token=a?pin-source=file:/etc/pin");
});

t.test("a return value of a token keeps its name and function", async (t) => {
  const error = tokenError("CKR_PIN_INCORRECT", "C_Login", { uri: "pkcs11:token=a" });
  t.match(error, { code: "PIN_INCORRECT", rv: "CKR_PIN_INCORRECT", call: "C_Login", retryable: false });
  t.equal(tokenError("CKR_VENDOR_DEFINED_0x8000002f", "C_Sign").code, "TOKEN_ERROR");
});

t.test("details that are known already stay when an outer place adds its own", async (t) => {
  const inner = new CredentialError("PEM_INVALID", "broken", { location: { line: 3, column: 1 } });
  const outer = inner.with({ uri: "file:a.pem", location: { line: 9, column: 9 } });
  t.match(outer, { code: "PEM_INVALID", uri: "file:a.pem", location: { line: 3 } });
});
