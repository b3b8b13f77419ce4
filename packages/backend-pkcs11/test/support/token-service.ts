import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { certificateObject, privateKeyObject } from "./objects.ts";
import { skip as noToken, module as softHsm, TokenFolder } from "./softhsm.ts";

/** The module of p11-kit that speaks to a service. */
export const client =
  [
    "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so",
    "/usr/lib64/pkcs11/p11-kit-client.so",
  ].find((path) => existsSync(path)) ?? "";

/** SoftHSM behind `p11-kit server`, in processes of its own, with the token `remote` and its `key`. */
export class TokenService {
  readonly #folder = new TokenFolder();
  readonly #socket = join(this.#folder.path, "socket");
  #server: ChildProcess | undefined;

  constructor() {
    const { certificate, privateKey } = material.ec;
    this.#folder.add("remote", [
      privateKeyObject(privateKey.der, { label: "key", id: "01" }),
      certificateObject(certificate.der, { label: "certificate", id: "01" }),
    ]);
    process.env["P11_KIT_SERVER_ADDRESS"] = `unix:path=${this.#socket}`;
  }

  async start(): Promise<void> {
    const options = ["server", "-f", "-n", this.#socket, "--provider", softHsm, "pkcs11:token=remote"];
    // Each connection has a process of its own: they are ended as a group.
    this.#server = spawn("p11-kit", options, { stdio: "ignore", detached: true });
    while (!existsSync(this.#socket)) await sleep(2);
  }

  async restart(pause: number): Promise<void> {
    this.stop();
    await sleep(pause);
    await this.start();
  }

  remove(): void {
    this.stop();
    this.#folder.remove();
  }

  stop(): void {
    if (this.#server?.pid !== undefined) process.kill(-this.#server.pid, "SIGKILL");
    rmSync(this.#socket, { force: true });
  }
}

/** Why it cannot run here; false where it can. */
export function noTokenService(): string | false {
  if (noToken !== false) return noToken;
  if (client === "") return "p11-kit's client module is not installed";
  try {
    execFileSync("p11-kit", ["--help"], { stdio: "pipe" });
    return false;
  } catch {
    return "p11-kit is not installed";
  }
}
