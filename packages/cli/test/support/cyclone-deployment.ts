import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ddscred, type Outcome, run } from "./program.ts";

/** A PIN that must turn up nowhere. */
export const CANARY = "pin-7719";
const MODULE = "/usr/lib/softhsm/libsofthsm2.so";

/** Where the security plugins of Cyclone DDS are, if they are installed. */
export const plugins = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
  .flatMap((folder) => [folder, ...listed(folder).map((name) => join(folder, name))])
  .flatMap((folder) => [folder, join(folder, "libddsc0debian")])
  .find((folder) => existsSync(join(folder, "libdds_security_auth.so")));

/** A deployment made by ddscred alone, apart from the participants' own key files, which Cyclone DDS 0.10 needs. */
export class CycloneDeployment {
  printed = "";
  readonly #folder: string;
  readonly #keyType: "ec-p256" | "rsa-2048";
  readonly #domain: number;

  constructor(folder: string, keyType: "ec-p256" | "rsa-2048", domain: number) {
    this.#folder = folder;
    this.#keyType = keyType;
    this.#domain = domain;
    this.#write("softhsm2.conf", `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`);
    run("mkdir", ["tokens"], { cwd: folder });
    this.#tool(
      "softhsm2-util",
      "--init-token",
      "--free",
      "--label",
      "CA",
      "--so-pin",
      "5678",
      "--pin",
      CANARY,
    );
    this.#write("pin", CANARY);
    for (const ca of ["identity_ca", "permissions_ca"]) {
      this.#good("key", "generate", `pkcs11:token=CA;object=${ca}`, "--type", this.#keyType);
      this.#issue(ca, this.#key(ca), `CN=${ca},O=Example`, "--ca", "--days", "30");
    }
    const everything = { publish: ["DDSPerf*"], subscribe: ["DDSPerf*"], partitions: ["*"] };
    const listener = { ...everything, publish: ["DDSPerfRP*", "DDSPerfCPUStats"] };
    this.#document("governance", "governance", { protection: { rtps: "ENCRYPT" } });
    for (const [name, access] of Object.entries({ alice: everything, bob: everything, mute: listener })) {
      this.#participant(name);
      this.#document("permissions", name, {
        participants: [{ certificate: `file:${this.#path(`${name}.pem`)}`, ...access }],
      });
    }
    this.#participant("forged");
    const participants = [{ certificate: `file:${this.#path("forged.pem")}`, ...everything }];
    this.#document("permissions", "forged", { participants }, "identity_ca");
  }

  program(verb: string, ...args: readonly string[]): Outcome {
    const env = { SOFTHSM2_CONF: this.#path("softhsm2.conf") };
    const outcome = ddscred([verb, ...args], { cwd: this.#folder, env });
    this.printed += outcome.stdout + outcome.stderr;
    return outcome;
  }

  access(file: string, ...question: readonly string[]) {
    const domain = ["--domain", String(this.#domain), "--dialect", "cyclonedds"];
    return JSON.parse(this.program("access", file, ...domain, ...question, "--format", "json").stdout);
  }

  configuration(name: string): string {
    const library = (plugin: string, init: string) =>
      `<Library path="${plugins}/libdds_security_${plugin}.so" initFunction="init_${init}" finalizeFunction="finalize_${init}"/>`;
    const permissions = `file:${this.#path(`${name}.p7s`)}`;
    return this.#write(
      `${name}.xml`,
      `<CycloneDDS><Domain Id="${this.#domain}">
<General><Interfaces><NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
<Discovery><Peers><Peer address="localhost"/></Peers><ParticipantIndex>auto</ParticipantIndex></Discovery>
<Security><Authentication>${library("auth", "authentication")}
<IdentityCertificate>file:${this.#path(`${name}.pem`)}</IdentityCertificate>
<IdentityCA>file:${this.#path("identity_ca.pem")}</IdentityCA>
<PrivateKey>file:${this.#path(`${name}.key`)}</PrivateKey></Authentication>
<AccessControl>${library("ac", "access_control")}
<PermissionsCA>file:${this.#path("permissions_ca.pem")}</PermissionsCA>
<Governance>file:${this.#path("governance.p7s")}</Governance>
<Permissions>${permissions}</Permissions></AccessControl>
<Cryptographic>${library("crypto", "crypto")}</Cryptographic></Security></Domain></CycloneDDS>`,
    );
  }

  /** Runs ddsperf for so many seconds. */
  async ddsperf(file: string, seconds: number, ...mode: readonly string[]): Promise<Outcome> {
    const args = ["-i", String(this.#domain), "-D", String(seconds), ...mode];
    const env = { ...process.env, CYCLONEDDS_URI: `file://${this.#path(file)}` };
    const child = spawn("ddsperf", args, { cwd: this.#folder, env, timeout: (seconds + 20) * 1000 });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      stderr += data.toString();
    });
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { status, stdout, stderr };
  }

  #participant(name: string): void {
    const options = this.#keyType === "ec-p256" ? ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["RSA"];
    this.#tool("openssl", "genpkey", "-algorithm", ...options, "-out", `${name}.key`);
    this.#issue(
      name,
      `file:${this.#path(`${name}.key`)}`,
      `CN=${name},O=Example`,
      "--ca-cert",
      "identity_ca.pem",
      "--days",
      "10",
    );
  }

  /** Asks for a certificate with the key, and has it issued: by the key itself, or by the identity CA. */
  #issue(name: string, key: string, subject: string, ...options: readonly string[]): void {
    this.#good("csr", "--key", key, "--subject", subject, "--out", `${name}.csr`);
    const issuer = options.includes("--ca") ? key : this.#key("identity_ca");
    this.#good(
      "cert",
      "issue",
      "--csr",
      `${name}.csr`,
      "--ca-key",
      issuer,
      ...options,
      "--out",
      `${name}.pem`,
    );
  }

  #document(kind: string, name: string, description: object, ca = "permissions_ca"): void {
    this.#write(`${name}.json`, JSON.stringify({ domains: [this.#domain], ...description }));
    this.#good("draft", kind, `${name}.json`, "--out", `${name}-${kind}.xml`);
    const signer = ["--key", this.#key(ca), "--cert", `file:${this.#path(`${ca}.pem`)}`];
    this.#good("sign", `${name}-${kind}.xml`, ...signer, "--out", `${name}.p7s`);
  }

  #good(verb: string, ...args: readonly string[]): void {
    const onToken = verb === "draft" ? [] : ["--module", MODULE];
    // What several verbs share must be the same for each: sign takes the PIN from the URI.
    const pin = verb === "draft" || verb === "sign" ? [] : ["--pin-source", `file:${this.#path("pin")}`];
    const outcome = this.program(verb, ...args, ...onToken, ...pin);
    if (outcome.status !== 0)
      throw new Error(`ddscred ${verb} ${args.join(" ")}: ${outcome.stdout}${outcome.stderr}`);
  }

  #key(name: string): string {
    return `pkcs11:token=CA;object=${name};type=private?pin-source=file:${this.#path("pin")}`;
  }

  #tool(program: string, ...args: readonly string[]): void {
    run(program, args, { cwd: this.#folder, env: { SOFTHSM2_CONF: this.#path("softhsm2.conf") } });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #write(name: string, text: string): string {
    writeFileSync(this.#path(name), text, { mode: 0o600 });
    return name;
  }
}

function listed(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
