import { inspect } from "node:util";
import { CredentialError, looksLikePin, redactUri } from "@ddscred/core";
import * as fc from "fast-check";
import t, { type Test } from "tap";

const CANARY = "canary7391";

t.test("a PIN in place of a pin-source's name is not shown, a name is", async (t) => {
  for (const kind of ["file", "env", "fd", "systemd", "FILE"]) {
    for (const pin of ["12345678", "4711", "///4711", "47-11", "%34711", "4711 "]) {
      for (const end of ["", "&module-name=x", "?"]) {
        const shown = redactUri(`pkcs11:token=a?pin-source=${kind}:${pin}${end}`);
        t.notMatch(shown, /4711|12345678|47-11/, shown);
      }
      t.ok(looksLikePin(pin.replace("%34", "4")), pin);
    }
  }
  for (const name of [
    "file:/run/pin",
    "file:pin",
    "env:PIN",
    "fd:3",
    "fd:123",
    "systemd:pin",
    "file:/1234/pin",
  ]) {
    const uri = `pkcs11:token=a?pin-source=${name}`;
    t.equal(redactUri(uri), uri);
    t.notOk(looksLikePin(name.slice(name.indexOf(":") + 1)), name);
  }
});

t.test("no spelling of a PIN attribute shows its value", async (t) => {
  for (const text of [
    `pkcs11:token=a?pin-value=${CANARY}`,
    `pkcs11:token=a;pin-value=${CANARY};object=b`,
    `PKCS11:?PIN-VALUE=${CANARY}`,
    `pkcs11:?Pin-Value=${CANARY}&module-name=x`,
    `pkcs11:?pin%2Dvalue=${CANARY}`,
    `pkcs11:?pin%2dvalue%3d${CANARY}`,
    `pkcs11:?%70%69%6e%2d%76%61%6c%75%65=${CANARY}`,
    `pkcs11:?p%69n-value=${CANARY}`,
    `pkcs11:?pin%252Dvalue=${CANARY}`,
    `pkcs11:?%2550in-value=${CANARY}`,
    `pkcs11:?pin_value=${CANARY}`,
    `pkcs11:?pinvalue=${CANARY}`,
    `pkcs11:?pin value=${CANARY}`,
    `pkcs11:?pin\u2013value=${CANARY}`,
    `pkcs11:?pin-value =${CANARY}`,
    `pkcs11:?pin-value= ${CANARY}`,
    `pkcs11:?pin-value\n=\n${CANARY}`,
    `pkcs11:?pi\nn-value=${CANARY}`,
    `pkcs11:?pin-value:${CANARY}`,
    `pkcs11:?pin-value ${CANARY}`,
    `pkcs11:?pin-value${" ".repeat(500)}=${CANARY}`,
    `pkcs11:?pin=${CANARY}`,
    `pkcs11:?x-pin=${CANARY}`,
    `pkcs11:?userPin=${CANARY}`,
    `pkcs11:?pinfile=${CANARY}`,
    `pkcs11:?pin-source=${CANARY}`,
    `pkcs11:?pin-source=data:,${CANARY}`,
    `pkcs11:?pin-source=|echo%20${CANARY}`,
    `pkcs11:?pin-source=https://user:${CANARY}@host/pin`,
    `pkcs11:?pin-source=file://user:${CANARY}@host/pin`,
    `pkcs11:?pin-value=1&pin-value=${CANARY}`,
    `pkcs11:?pin-source=file:/a&pin-value=${CANARY}`,
    `pkcs11:?pin-value=${CANARY}&pin-source=file:/a`,
    `Failed to open OSSL_STORE: pkcs11:token=a?pin-value=${CANARY}`,
    `\u{feff}pkcs11:?pin-value=${CANARY}`,
    `pcks11:token=a?pin-value=${CANARY}`,
    `token=a,pin-value=${CANARY}`,
    `pkcs11:object=a pin-value=${CANARY}`,
    `file:/etc/x?pin-value=${CANARY}`,
    `pkcs11:token=a&pin-value=${CANARY}`,
    `pkcs11:token=a%3Fpin-value%3D${CANARY}`,
    `pkcs11:?passphrase=${CANARY}`,
    `pkcs11:?pwd=${CANARY}`,
    `pkcs11:?x-password=${CANARY}`,
    `pkcs11:token=a;x-p%61ssword=${CANARY}`,
    `pkcs11:?tokencode=${CANARY}`,
    `pkcs11:?client_secret=${CANARY}`,
    `file:alice.key?passphrase=${CANARY}`,
  ]) {
    shows(t, text, CANARY);
  }
});

t.test("of a query, nothing is shown but where the PIN and the module are to be found", async (t) => {
  for (const text of [
    `pkcs11:token=a?${CANARY}`,
    `pkcs11:token=a?pin ${CANARY}`,
    `pkcs11:token=a?pin-${CANARY}`,
    `pkcs11:token=a?pn-value=${CANARY}`,
    `pkcs11:token=a?x-v=${CANARY}`,
    `pkcs11:token=a?module-path=/x&${CANARY}`,
    `pkcs11:token=a?module-path=/x&x-v=${CANARY}`,
    `pkcs11:token=a?module-path=/x?${CANARY}`,
    `pkcs11:token=a?pin-source=file:/x?${CANARY}`,
    `pcks11:token=a?pn-value=${CANARY}`,
  ]) {
    shows(t, text, CANARY);
  }
  t.equal(redactUri("pkcs11:token=a?module-name=b&x-v=1"), "pkcs11:token=a?module-name=b&x-v=[redacted]");
});

t.test("a key pasted without its armour is hidden, a path is not", async (t) => {
  const key = Buffer.from(Array.from({ length: 120 }, (_, index) => (index * 89 + 48) % 256)).toString(
    "base64",
  );
  for (const text of [key, `file:${key}`, `file://${key}`, ` ${key.replace(/.{64}/g, "$&\n")}\n`]) {
    shows(t, text, key.slice(40, 60));
  }
  for (const path of [
    "/home/alice/certificates/participants/alice/Identity2026",
    "file:/opt/VendorName/configuration1/certificates/participants",
    `pkcs11:object=${key.slice(0, 43)}`,
  ]) {
    t.equal(redactUri(path), path);
  }
});

t.test("a PIN is hidden whole, whatever separators it holds", async (t) => {
  for (const separator of [
    ";",
    "&",
    " ",
    "\n",
    "\r\n",
    "\t",
    "?",
    "#",
    "%",
    "=",
    "/",
    ":",
    "&&",
    ";=",
    "&x=",
    "[redacted]",
    "\0",
    "<>",
    '"',
    "'",
    "?id=",
    ";id=",
    ";type=",
    ";object=",
    "&id=",
    "&pin-source=file:",
    "&module-path=/",
  ]) {
    shows(t, `pkcs11:token=a?pin-value=12${separator}${CANARY}`, CANARY);
    shows(t, `pkcs11:token=a;pin-value=12${separator}${CANARY};object=b`, CANARY);
  }
});

t.test("the content of data:, PEM text and the user of an authority are hidden", async (t) => {
  for (const text of [
    `data:,${CANARY}`,
    `DATA:,${CANARY}`,
    ` \t\ndata:,${CANARY}`,
    `data:${CANARY}`,
    `data:${CANARY},x`,
    `data:${CANARY}/${CANARY};base64,x`,
    `data:text/plain;${CANARY}=x,y`,
    `data:application/x-pem-file;base64,${CANARY}`,
    `Specified PrivateKey has wrong format:\ndata:,${CANARY}`,
    `<data:,${CANARY}>`,
    `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
    `----- BEGIN PRIVATE KEY-----\n${CANARY}`,
    `data%3A,-----BEGIN%20PRIVATE%20KEY-----%0A${CANARY}`,
    `x%2D%2D%2D%2D%2DBEGIN%20PRIVATE%20KEY-----%0A${CANARY}`,
    `https://user:${CANARY}@host/key.pem`,
  ]) {
    shows(t, text, CANARY);
  }
});

t.test("what holds no secret stays, so that errors are of use", async (t) => {
  for (const uri of [
    "",
    "pkcs11:token=a;object=b;id=%01?module-path=/usr/lib/x.so",
    "pkcs11:token=a?pin-source=file:/etc/pin",
    "pkcs11:token=a?pin-source=env:DDS_PIN&module-name=x",
    "pkcs11:token=spinner;object=mapping",
    "pkcs11:object=pinned?module-name=x",
    "pkcs11:token=compass;object=credential;type=secret-key?module-name=x",
    "file:/etc/passwords/a=b.pem",
    "/etc/pin-source/key.pem",
    "file:/etc/dds/pins/key.pem",
    "file:///etc/pin-source/key.pem",
    "key.pem",
  ]) {
    t.equal(redactUri(uri), uri);
  }
  t.equal(
    redactUri("pkcs11:token=a;pin-value=1;2;object=b?module-name=x&pin-value=3"),
    "pkcs11:token=a;pin-value=[redacted]",
  );
  t.equal(
    redactUri("data:application/x-pem-file;base64,AAAA"),
    "data:application/x-pem-file;base64,[redacted]",
  );
});

t.test("a PIN of any characters, after any name that speaks of a PIN, is hidden", async (t) => {
  const letters = (name: string) =>
    fc.tuple(
      ...name
        .split("")
        .map((letter) =>
          fc.constantFrom(letter, letter.toUpperCase(), escaped(letter), `%25${escaped(letter).slice(1)}`),
        ),
    );
  const names = fc.constantFrom("pin-value", "pinfile", "pin", "x-pin", "pin_value").chain(letters);
  const junk = fc.string({ unit: "binary", maxLength: 20 });
  const starts = fc.constantFrom("pkcs11:token=a?", "pkcs11:token=a;", "PKCS11:?a=b&", "");
  fc.assert(
    fc.property(starts, junk, names, junk, junk, (start, before, name, head, tail) => {
      const text = `${start}${before};${name.join("")}=${head}${CANARY}${tail}`;
      const redacted = redactUri(text);
      return !redacted.includes(CANARY) && redactUri(redacted) === redacted;
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

t.test("whatever stands in a query, redacting twice is redacting once", async (t) => {
  const pieces = fc.constantFrom(
    "?",
    "&",
    "=",
    "data:",
    ",",
    "pin",
    "//",
    "@",
    "file:",
    "pkcs11:",
    "a",
    "--",
    " ",
    "%3f",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (list) => {
      const redacted = redactUri(list.join(""));
      return redactUri(redacted) === redacted;
    }),
    { numRuns: 20_000 },
  );
  t.pass();
});

t.test("megabytes are redacted in no time, and cut", async (t) => {
  for (const piece of [
    "pin",
    "pin ",
    "p",
    "p\n",
    "%25",
    "%70",
    "pin%25",
    "//",
    "-",
    "data",
    "data:",
    "pin-value=",
    ";pin=1&id=",
    "pin-source=file:",
    "pin--",
    "?module-path=/&",
    "pass",
    "MIGH",
    "=",
    ";",
    " ",
  ]) {
    const text = `pkcs11:${piece.repeat(Math.ceil(3_000_000 / piece.length))}`;
    const started = performance.now();
    const redacted = redactUri(text);
    t.ok(performance.now() - started < 20_000, JSON.stringify(piece));
    t.ok(redacted.length <= 60_000, `${JSON.stringify(piece)} ${redacted.length}`);
  }
});

/** Fails where the redacted text, or an error about it, shows the secret. */
function shows(t: Test, text: string, secret: string): void {
  const error = new CredentialError("OBJECT_NOT_FOUND", "none", { uri: text, candidates: [text] });
  t.notMatch(
    `${redactUri(text)} ${inspect(error)} ${JSON.stringify(error)}`,
    secret,
    JSON.stringify(text.slice(0, 60)).replaceAll(CANARY, "PIN"),
  );
  t.equal(redactUri(redactUri(text)), redactUri(text), "redacting again changes nothing");
}

function escaped(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`;
}
