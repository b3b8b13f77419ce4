import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ddscred, type Outcome, run } from "./program.ts";

/** A PIN that must turn up nowhere. */
export const CANARY = "pin-7719";
export const MODULE = "/usr/lib/softhsm/libsofthsm2.so";

export type KeyType = "ec-p256" | "rsa-2048";

/** Credentials and documents made by ddscred, for one domain: the keys of both CAs are made and kept on a token. */
export class MadeDeployment {
  /** All that ddscred printed. */
  printed = "";
  readonly folder: string;
  readonly domain: number;
  readonly env: { readonly SOFTHSM2_CONF: string };
  readonly #keyType: KeyType;

  constructor(folder: string, keyType: KeyType, domain: number) {
    this.folder = folder;
    this.domain = domain;
    this.#keyType = keyType;
    this.env = { SOFTHSM2_CONF: this.path("softhsm2.conf") };
    this.write("softhsm2.conf", `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`);
    this.tool("mkdir", "tokens");
    const pins = ["--so-pin", "5678", "--pin", CANARY];
    this.tool("softhsm2-util", "--init-token", "--free", "--label", "CA", ...pins);
    this.write("pin", CANARY);
    for (const ca of ["identity_ca", "permissions_ca"]) {
      this.generate(ca);
      this.#issue(ca, this.key(ca), `CN=${ca},O=Example`, "--ca", "--days", "30");
    }
  }

  /** A participant's certificate for its key: one named by a URI, or else a file made by OpenSSL. */
  participant(name: string, key?: string): void {
    const options = this.#keyType === "ec-p256" ? ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["RSA"];
    if (key === undefined) this.tool("openssl", "genpkey", "-algorithm", ...options, "-out", `${name}.key`);
    const issuer = ["--ca-cert", "identity_ca.pem", "--days", "10"];
    this.#issue(name, key ?? this.file(`${name}.key`), `CN=${name},O=Example`, ...issuer);
  }

  /** Drafts a document from its description and signs it: NAME.p7s. */
  document(
    kind: "governance" | "permissions",
    name: string,
    description: object,
    ca = "permissions_ca",
  ): void {
    this.write(`${name}.json`, JSON.stringify({ domains: [this.domain], ...description }));
    this.#good("draft", kind, `${name}.json`, "--out", `${name}-${kind}.xml`);
    const signer = ["--key", this.key(ca), "--cert", this.file(`${ca}.pem`)];
    this.#good("sign", `${name}-${kind}.xml`, ...signer, "--out", `${name}.p7s`);
  }

  /** Makes a key on the token. */
  generate(name: string): void {
    this.#good("key", "generate", `pkcs11:token=CA;object=${name}`, "--type", this.#keyType);
  }

  /** A key on the token, with where its PIN is. */
  key(name: string): string {
    return `pkcs11:token=CA;object=${name};type=private?pin-source=${this.file("pin")}`;
  }

  program(verb: string, ...args: readonly string[]): Outcome {
    const outcome = ddscred([verb, ...args], { cwd: this.folder, env: this.env });
    this.printed += outcome.stdout + outcome.stderr;
    return outcome;
  }

  tool(program: string, ...args: readonly string[]): void {
    run(program, args, { cwd: this.folder, env: this.env });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  file(name: string): string {
    return `file:${this.path(name)}`;
  }

  /** Answers with the name. */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text, { mode: 0o600 });
    return name;
  }

  /** Asks for a certificate with the key, and has it issued: by the key itself, or by the identity CA. */
  #issue(name: string, key: string, subject: string, ...options: readonly string[]): void {
    this.#good("csr", "--key", key, "--subject", subject, "--out", `${name}.csr`);
    const issuer = ["--ca-key", options.includes("--ca") ? key : this.key("identity_ca")];
    this.#good("cert", "issue", "--csr", `${name}.csr`, ...issuer, ...options, "--out", `${name}.pem`);
  }

  #good(verb: string, ...args: readonly string[]): void {
    const onToken = verb === "draft" ? [] : ["--module", MODULE];
    // What several verbs share must be the same for each: sign takes the PIN from the URI.
    const pin = verb === "draft" || verb === "sign" ? [] : ["--pin-source", this.file("pin")];
    const outcome = this.program(verb, ...args, ...onToken, ...pin);
    if (outcome.status !== 0)
      throw new Error(`ddscred ${verb} ${args.join(" ")}: ${outcome.stdout}${outcome.stderr}`);
  }
}
