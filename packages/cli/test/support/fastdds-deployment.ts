import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CANARY, type KeyType, MadeDeployment, MODULE } from "./made-deployment.ts";
import { missing, type Outcome, root, run } from "./program.ts";

const HEADER = "/usr/include/fastdds/dds/domain/DomainParticipant.hpp";

/** The reason why Fast DDS cannot be driven here, or false. */
export const lacksFastdds: string | false =
  missing("c++") ?? (existsSync(HEADER) ? false : "libfastrtps-dev not installed");

/** The engine of OpenSSL by which Fast DDS signs with a key on a token. */
export const engine: string | undefined = (existsSync("/usr/lib") ? readdirSync("/usr/lib") : [])
  .map((folder) => join("/usr/lib", folder, "engines-3/pkcs11.so"))
  .find((path) => existsSync(path));

/** Compiles one of our programs on Fast DDS into a folder. */
export function compileFastdds(folder: string, name: string, ...more: readonly string[]): string {
  const program = join(folder, name);
  const source = join(root, "interop/fastdds", `${name}.cpp`);
  const libraries = ["-lfastrtps", "-lfastcdr", "-lcrypto"];
  run("c++", ["-Wall", "-Wextra", "-O0", "-o", program, source, ...more, ...libraries], { cwd: folder });
  return program;
}

export interface Told {
  readonly participant?: boolean;
  readonly topic?: boolean;
  readonly endpoint?: boolean;
  readonly matched?: boolean;
  readonly samples?: number;
  /** What Fast DDS logged. */
  readonly log: string;
}

/** Participants of Fast DDS with what ddscred made; dora's key is on the token, those of the others are files. */
export class FastddsDeployment {
  readonly made: MadeDeployment;
  readonly #program: string;

  /** @param program where compileFastdds put our participant */
  constructor(program: string, folder: string, keyType: KeyType, domain: number) {
    this.#program = program;
    this.made = new MadeDeployment(folder, keyType, domain);
    const everything = { publish: ["Square", "rt/*"], subscribe: ["Square", "rt/*"] };
    this.made.document("governance", "governance", { protection: { rtps: "ENCRYPT" } });
    this.#participant("alice", everything);
    this.#participant("bob", everything);
    this.#participant("mute", { subscribe: ["Square"] });
    this.#participant("forged", everything, { ca: "identity_ca" });
    if (engine === undefined) return;
    this.made.generate("dora");
    this.#participant("dora", everything, { key: this.made.key("dora") });
  }

  access(file: string, ...question: readonly string[]) {
    const dialect = ["--domain", String(this.made.domain), "--dialect", "fastdds", "--format", "json"];
    return JSON.parse(this.made.program("access", file, ...dialect, ...question, ...this.#token()).stdout);
  }

  check(file: string): Outcome {
    return this.made.program("check", file, "--peer", "fastdds", ...this.#token());
  }

  /** A profile; the private key is a file where no URI is given. */
  profile(name: string, key = `file://${this.#path(`${name}.key`)}`): string {
    const auth = "dds.sec.auth.builtin.PKI-DH";
    const access = "dds.sec.access.builtin.Access-Permissions";
    const properties = {
      "dds.sec.auth.plugin": "builtin.PKI-DH",
      "dds.sec.access.plugin": "builtin.Access-Permissions",
      "dds.sec.crypto.plugin": "builtin.AES-GCM-GMAC",
      [`${auth}.identity_ca`]: `file://${this.#path("identity_ca.pem")}`,
      [`${auth}.identity_certificate`]: `file://${this.#path(`${name}.pem`)}`,
      [`${auth}.private_key`]: key,
      [`${access}.permissions_ca`]: `file://${this.#path("permissions_ca.pem")}`,
      [`${access}.governance`]: `file://${this.#path("governance.p7s")}`,
      [`${access}.permissions`]: `file://${this.#path(`${name}.p7s`)}`,
    };
    const elements = Object.entries(properties).map(
      ([property, value]) => `<property><name>${property}</name><value>${value}</value></property>`,
    );
    return this.made.write(
      `${name}.xml`,
      `<dds xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"><profiles>
<participant profile_name="participant"><rtps><propertiesPolicy><properties>
${elements.join("\n")}
</properties></propertiesPolicy></rtps></participant></profiles></dds>`,
    );
  }

  /** Runs a participant until it has what it wants, for so many seconds at most. */
  async run(file: string, role: "pub" | "sub", topic: string, seconds: number): Promise<Told> {
    const args = [file, String(this.made.domain), role, topic, String(seconds)];
    const env = { ...process.env, ...this.made.env, FASTDDS_PKCS11_PIN: CANARY, PKCS11_MODULE_PATH: MODULE };
    const child = spawn(this.#program, args, {
      cwd: this.made.folder,
      env,
      timeout: (seconds + 20) * 1000,
    });
    let [stdout, log] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      log += data.toString();
    });
    await new Promise((resolve) => child.once("close", resolve));
    const lines = stdout.split("\n").filter((line) => line !== "");
    return Object.assign({ log }, ...lines.map((line) => JSON.parse(line) as Partial<Told>));
  }

  #participant(name: string, access: object, { ca, key }: { ca?: string; key?: string } = {}): void {
    this.made.participant(name, key);
    const participants = [{ certificate: this.made.file(`${name}.pem`), ...access }];
    this.made.document("permissions", name, { participants }, ca);
  }

  /** Where the token is, and its PIN, which the profile does not say: Fast DDS has it from the environment. */
  #token(): readonly string[] {
    return ["--module", MODULE, "--pin-source", this.made.file("pin")];
  }

  #path(name: string): string {
    return this.made.path(name);
  }
}
