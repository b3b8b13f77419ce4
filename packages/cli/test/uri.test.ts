// `ddscred uri` as a user runs it. The grammar itself is tested in core, against outside vectors.

import t from "tap";
import { ddscred } from "./support/program.ts";

const json = (args: readonly string[]) => {
  const { status, stdout } = ddscred(["uri", ...args, "--format", "json"]);
  return { status, ...JSON.parse(stdout) };
};

t.test("parse explains a valid URI, without its PIN", async (t) => {
  const uri = "pkcs11:token=My%20HSM;object=alice_key;type=private;id=%01%02?pin-value=canary-55";
  const { status, stdout, stderr } = ddscred(["uri", "parse", uri]);
  t.equal(status, 0);
  t.match(stdout, /token = My HSM/);
  t.match(stdout, /id = 0102/);
  t.notMatch(stdout + stderr, "canary-55");
  t.match(json(["parse", uri]), {
    status: 0,
    valid: true,
    attributes: [{ name: "token", decoded: "My HSM" }],
  });
});

t.test("parse refuses what is not RFC 7512, with the rule and the position", async (t) => {
  t.match(json(["parse", "pkcs11:token=a;token=b"]), {
    status: 1,
    valid: false,
    code: "URI_INVALID",
    rule: "duplicate-attribute",
    section: /RFC 7512/,
    position: 15,
  });
  const { status, stderr } = ddscred(["uri", "parse", "pkcs11:token=a b"]);
  t.equal(status, 1);
  t.match(stderr, /URI_INVALID/);
});

t.test("parse --lenient accepts older spellings and says which", async (t) => {
  t.equal(json(["parse", "pkcs11:object=a;object-type=cert"]).status, 0, "a vendor attribute, strictly");
  t.match(json(["parse", "--lenient", "pkcs11:object=a;object-type=cert"]), {
    valid: true,
    aliases: ["object-type"],
  });
});

t.test("format writes the canonical form of a URI, of words and of JSON", async (t) => {
  const canonical = "pkcs11:token=My%20HSM;object=a;id=%0A%FF";
  for (const args of [
    ["pkcs11:object=%61;id=%0a%fF;token=My%20HSM"],
    ["object=a", "id=0aff", "token=My HSM"],
    ['{"object":"a","id":{"hex":"0aff"},"token":"My HSM"}'],
  ]) {
    t.match(json(["format", ...args]), { status: 0, uri: canonical });
  }
  t.equal(ddscred(["uri", "format", "object=a", "object=b"]).status, 1);
  t.equal(ddscred(["uri", "format", "module-path=relative.so"]).status, 1);
});

t.test("match and compare answer by their exit status", async (t) => {
  const object = "pkcs11:token=HSM;serial=1;object=alice;id=%01;type=private";
  t.equal(ddscred(["uri", "match", "pkcs11:object=alice", object]).status, 0);
  t.equal(ddscred(["uri", "match", "pkcs11:object=alice;type=cert", object]).status, 1);
  t.equal(ddscred(["uri", "match", "pkcs11:vendor=x", object]).status, 1);
  t.equal(ddscred(["uri", "compare", "pkcs11:token=%41;object=b", "PKCS11:object=b;token=A"]).status, 0);
  t.equal(ddscred(["uri", "compare", "pkcs11:token=A", "pkcs11:token=a"]).status, 1);
  t.equal(ddscred(["uri", "compare", "pkcs11:token=A", "nonsense"]).status, 1);
});

t.test("wrong use is status 2, with the usage on stderr", async (t) => {
  for (const args of [
    ["uri"],
    ["uri", "fly"],
    ["uri", "parse"],
    ["fly"],
    ["check"],
    ["check", "--fly"],
    ["check", "a", "--domain", "x"],
  ]) {
    const { status, stdout, stderr } = ddscred(args);
    t.equal(status, 2, args.join(" "));
    t.match(stderr, /Usage: ddscred/);
    t.equal(stdout, "");
  }
  t.equal(ddscred(["--help"]).status, 0);
  t.match(ddscred(["check", "--help"]).stdout, /Usage: ddscred check/);
  t.match(ddscred(["--version"]).stdout, /^\d+\.\d+\.\d+\n$/);
});
