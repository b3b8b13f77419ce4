import { CredentialError } from "@ddscred/core";
import {
  type AuthenticatedPeer,
  beginHandshakeReply,
  beginHandshakeRequest,
  type DataHolder,
  type Handshake,
  type HandshakeRole,
  type HandshakeStep,
  type LocalIdentity,
  processHandshake,
  type RemoteAnnouncement,
  type RemoteIdentity,
  validateRemoteIdentity,
} from "@ddscred/dds-security";
import { EXIT } from "../exit.ts";
import { exitOf } from "../terminal/errors.ts";
import { type Line, readLine } from "./lines.ts";

/** What an endpoint does with the world. */
export interface EndpointPort {
  readonly send: (token: DataHolder) => void;
  /** A line that was not accepted; the endpoint goes on. */
  readonly refused: (error: CredentialError) => void;
  readonly now: () => Date;
}

export interface EndpointOptions {
  /** Undefined: the GUIDs decide. */
  readonly role: HandshakeRole | undefined;
  /** Whether the peer is waited for to announce itself. */
  readonly awaitsAnnouncement: boolean;
}

/** How a handshake over lines ends: with a peer, or with what was wrong with the last line, if anything was. */
export type EndpointResult = AuthenticatedPeer | CredentialError | undefined;

/** One handshake over lines, up to its end. A line that is refused changes nothing: the right one may still come. */
export class Endpoint {
  readonly #local: LocalIdentity;
  readonly #port: EndpointPort;
  readonly #options: EndpointOptions;
  #announced: RemoteAnnouncement = {};
  #remote: RemoteIdentity | undefined;
  #state: Handshake | undefined;

  constructor(local: LocalIdentity, port: EndpointPort, options: EndpointOptions) {
    this.#local = local;
    this.#port = port;
    this.#options = options;
  }

  async run(lines: AsyncIterable<string | CredentialError>): Promise<EndpointResult> {
    let last: CredentialError | undefined;
    if (!this.#options.awaitsAnnouncement) await this.#announce({});
    for await (const line of lines) {
      try {
        if (line instanceof CredentialError) throw line;
        await this.#take(readLine(line));
      } catch (error) {
        // Where our own key fails, waiting for other lines does not help.
        if (!(error instanceof CredentialError) || exitOf([error]) === EXIT.unknown) throw error;
        last = error;
        this.#port.refused(error);
      }
      if (this.#state?.peer !== undefined) return this.#state.peer;
    }
    this.#state?.wipe();
    return last;
  }

  async #take(line: Line): Promise<void> {
    if (line.kind === "announcement") return await this.#announce(line);
    const { token } = line;
    if (token.classId.endsWith("+AuthReq")) return await this.#announce({ authRequest: token });
    if (/^DDS:Auth:[^+]*$/.test(token.classId)) return await this.#announce({ identityToken: token });
    const moment = { at: this.#port.now() };
    if (this.#state !== undefined) return this.#step(await processHandshake(this.#state, token, moment));
    if (this.#remote === undefined) {
      throw new CredentialError("HANDSHAKE_TOKEN_UNEXPECTED", "a token came before the peer's announcement", {
        hint: "Have the peer announce itself first, or leave out --announce and name the --role.",
      });
    }
    if (this.#remote.role === "initiator") throw new TypeError("an initiator has begun");
    this.#step(await beginHandshakeReply(this.#local, this.#remote, token, moment));
  }

  /** What discovery brings; once the handshake has begun, it comes too late to count. */
  async #announce(announced: RemoteAnnouncement): Promise<void> {
    if (this.#state !== undefined) return;
    const { role, awaitsAnnouncement } = this.#options;
    const all = { ...this.#announced, ...announced, ...(role && { role }) };
    const enough = !awaitsAnnouncement || all.guid !== undefined;
    // What is refused is not remembered.
    const remote = validateRemoteIdentity(this.#local, enough ? all : { ...all, role: "replier" });
    this.#announced = all;
    if (!enough) return;
    this.#remote = remote;
    if (remote.role !== "initiator") return;
    this.#step(await beginHandshakeRequest(this.#local, remote, { at: this.#port.now() }));
  }

  #step({ state, send }: HandshakeStep): void {
    this.#state = state;
    if (send !== undefined) this.#port.send(send);
  }
}
