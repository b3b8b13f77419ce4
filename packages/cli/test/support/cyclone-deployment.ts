import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type KeyType, MadeDeployment } from "./made-deployment.ts";
import type { Outcome } from "./program.ts";

/** Where the security plugins of Cyclone DDS are, if they are installed. */
export const plugins = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
  .flatMap((folder) => [folder, ...listed(folder).map((name) => join(folder, name))])
  .flatMap((folder) => [folder, join(folder, "libddsc0debian")])
  .find((folder) => existsSync(join(folder, "libdds_security_auth.so")));

/** A deployment made by ddscred alone, apart from the participants' own key files, which Cyclone DDS 0.10 needs. */
export class CycloneDeployment {
  readonly #made: MadeDeployment;

  constructor(folder: string, keyType: KeyType, domain: number) {
    this.#made = new MadeDeployment(folder, keyType, domain);
    const everything = { publish: ["DDSPerf*"], subscribe: ["DDSPerf*"], partitions: ["*"] };
    const listener = { ...everything, publish: ["DDSPerfRP*", "DDSPerfCPUStats"] };
    this.#made.document("governance", "governance", { protection: { rtps: "ENCRYPT" } });
    for (const [name, access] of Object.entries({ alice: everything, bob: everything, mute: listener })) {
      this.#participant(name, access);
    }
    this.#participant("forged", everything, "identity_ca");
  }

  get printed(): string {
    return this.#made.printed;
  }

  program(verb: string, ...args: readonly string[]): Outcome {
    return this.#made.program(verb, ...args);
  }

  access(file: string, ...question: readonly string[]) {
    const domain = ["--domain", String(this.#made.domain), "--dialect", "cyclonedds"];
    return JSON.parse(this.program("access", file, ...domain, ...question, "--format", "json").stdout);
  }

  configuration(name: string): string {
    const library = (plugin: string, init: string) =>
      `<Library path="${plugins}/libdds_security_${plugin}.so" initFunction="init_${init}" finalizeFunction="finalize_${init}"/>`;
    const file = (path: string) => this.#made.file(path);
    return this.#made.write(
      `${name}.xml`,
      `<CycloneDDS><Domain Id="${this.#made.domain}">
<General><Interfaces><NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
<Discovery><Peers><Peer address="localhost"/></Peers><ParticipantIndex>auto</ParticipantIndex></Discovery>
<Security><Authentication>${library("auth", "authentication")}
<IdentityCertificate>${file(`${name}.pem`)}</IdentityCertificate>
<IdentityCA>${file("identity_ca.pem")}</IdentityCA>
<PrivateKey>${file(`${name}.key`)}</PrivateKey></Authentication>
<AccessControl>${library("ac", "access_control")}
<PermissionsCA>${file("permissions_ca.pem")}</PermissionsCA>
<Governance>${file("governance.p7s")}</Governance>
<Permissions>${file(`${name}.p7s`)}</Permissions></AccessControl>
<Cryptographic>${library("crypto", "crypto")}</Cryptographic></Security></Domain></CycloneDDS>`,
    );
  }

  /** Runs ddsperf for so many seconds. */
  async ddsperf(file: string, seconds: number, ...mode: readonly string[]): Promise<Outcome> {
    const { domain, folder } = this.#made;
    const args = ["-i", String(domain), "-D", String(seconds), ...mode];
    const env = { ...process.env, CYCLONEDDS_URI: `file://${this.#made.path(file)}` };
    const child = spawn("ddsperf", args, { cwd: folder, env, timeout: (seconds + 20) * 1000 });
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

  #participant(name: string, access: object, ca?: string): void {
    this.#made.participant(name);
    const participants = [{ certificate: this.#made.file(`${name}.pem`), ...access }];
    this.#made.document("permissions", name, { participants }, ca);
  }
}

function listed(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
