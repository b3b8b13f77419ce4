import { createHash } from "node:crypto";
import { CredentialError, formatName } from "@ddscred/core";
import {
  AuthenticatedPeer,
  type HandshakeOptions,
  type HandshakeRole,
  type LocalIdentity,
  openLocalIdentity,
} from "@ddscred/dds-security";
import { EXIT, UsageError } from "../exit.ts";
import { Endpoint, type EndpointResult } from "../handshake/endpoint.ts";
import { linesOf } from "../handshake/input.ts";
import { tokenJson } from "../handshake/lines.ts";
import { STDIN } from "../input.ts";
import type { Verb } from "../main.ts";
import { sourceOpener } from "../open-source.ts";
import { type Arguments, readArguments, readDomain, readMoment } from "../options.ts";
import { sourceUsage, tokenOptions } from "../pin/options.ts";
import { sourceReaders } from "../source.ts";
import { exitOf } from "../terminal/errors.ts";
import { escaped, UNSAFE } from "../terminal/style.ts";

const usage = `Usage: ddscred handshake [OPTIONS] SOURCE --role initiator|replier
       ddscred handshake [OPTIONS] SOURCE --announce
       ddscred handshake [OPTIONS] --property NAME=URI ...

Authenticates with another participant (DDS:Auth:PKI-DH), live: the tokens of
the handshake are lines of JSON on stdin and stdout, each
  {"class_id": "...", "properties": [{"name": "...", "value": "..."}],
   "binary_properties": [{"name": "...", "value": "BASE64"}]}
A token that is refused is told on stderr, and the next one is read. The last
line is {"authenticated": true, "peer": "CN=...", "sharedSecretSha256": "..."},
or {"authenticated": false, "code": "...", "message": "..."}.

  SOURCE                as for check: one configuration
  --property NAME=URI   a property instead of a file; repeat it
  --role ROLE           who this is: initiator begins at once, replier waits
  --announce            first exchange {"guid": "HEX", "identity_token": {...}}
                        with the peer, which may add an "auth_request"; without
                        --role the participant with the lower GUID begins
  --guid HEX            candidate GUID, 32 hexadecimal digits; default random
  --key-agreement NAME  ecdh (default) or dh, where this side begins
  --dh-form raw|der     how to write a number of dh, where this side begins;
                        Cyclone DDS reads der. Default raw
  --no-nul              do not end texts with a NUL, where this side begins:
                        RustDDS takes none
  --timeout SECONDS     give up where nothing advances; default 30
${sourceUsage}
  --domain N            which configuration of SOURCE, 0 to 230
  --at TIME             judge certificates at another moment

Exit status: 0 authenticated, 1 not, 2 wrong usage, 3 a device failed.

  ddscred handshake cyclonedds.xml --role replier

Two with each other, in one shell:

  mkfifo a b
  ddscred handshake alice.xml --announce < a | tee b &
  ddscred handshake bob.xml --announce < b | tee a
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    property: { type: "string", multiple: true },
    role: { type: "string" },
    announce: { type: "boolean" },
    guid: { type: "string" },
    "key-agreement": { type: "string" },
    "dh-form": { type: "string" },
    "no-nul": { type: "boolean" },
    timeout: { type: "string" },
    ...tokenOptions,
    domain: { type: "string" },
    at: { type: "string" },
  });
  const role = readChoice(args, "role", ["initiator", "replier"]);
  const announce = args.flag("announce");
  if (role === undefined && !announce) throw new UsageError("name the --role, or let --announce decide it");
  const options = readOptions(args);
  const moment = readMoment(args);
  const reader = sourceReaders(args)[0];
  if (reader === undefined || args.positionals.length > 1) throw new UsageError("name one configuration");
  if (args.positionals[0] === STDIN) throw new UsageError("standard input brings the other side's messages");
  try {
    const sources = await reader.read(readDomain(args));
    const [source] = sources;
    if (source === undefined || sources.length > 1) {
      throw new UsageError("the file holds several configurations: choose one by --domain");
    }
    const { resolver, crypto, readCaFolder, close } = sourceOpener(args)(source);
    try {
      const now = () => moment ?? new Date();
      const context = { resolver, crypto, readCaFolder, at: now() };
      const local = await openLocalIdentity(source.configuration, context, options);
      if (announce) say(announcement(local));
      const conversation = { role, awaitsAnnouncement: announce, now, timeout: options.timeout };
      return tell(await converse(local, conversation));
    } finally {
      await close();
    }
  } catch (error) {
    // Whoever reads the lines reads the last one, whatever went wrong.
    if (error instanceof CredentialError) return tell(error);
    throw error;
  }
}

interface Conversation {
  readonly role: HandshakeRole | undefined;
  readonly awaitsAnnouncement: boolean;
  readonly timeout: number;
  readonly now: () => Date;
}

async function converse(
  local: LocalIdentity,
  { timeout, now, ...options }: Conversation,
): Promise<AuthenticatedPeer | CredentialError> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), timeout);
  const port = {
    now,
    send: (token: Parameters<typeof tokenJson>[0]) => {
      timer.refresh();
      say(tokenJson(token));
    },
    refused: ({ code, message }: CredentialError) => {
      process.stderr.write(`refused  ${code}: ${message.replace(UNSAFE, escaped)}\n`);
    },
  };
  try {
    const result = await new Endpoint(local, port, options).run(linesOf(process.stdin, silence.signal));
    if (result !== undefined) return result;
    const why = silence.signal.aborted ? "nothing came in time" : "the input ended before the handshake did";
    return new CredentialError("HANDSHAKE_TIMEOUT", why);
  } finally {
    clearTimeout(timer);
    process.stdin.destroy();
  }
}

/** The last line. */
function tell(result: Exclude<EndpointResult, undefined>): number {
  if (AuthenticatedPeer.is(result)) {
    say({
      authenticated: true,
      peer: formatName(result.subject),
      sharedSecretSha256: createHash("sha256").update(result.sharedSecret.reveal()).digest("hex"),
      guid: hex(result.guid),
    });
    result.wipe();
    return EXIT.good;
  }
  const { code, message, hint } = result;
  say({ authenticated: false, code, message, hint });
  return exitOf([result]);
}

function announcement({ guid, identityToken }: LocalIdentity): object {
  return { guid: hex(guid), identity_token: tokenJson(identityToken) };
}

/** One line of JSON; what a terminal would obey is escaped. */
function say(value: object): void {
  process.stdout.write(`${JSON.stringify(value).replace(UNSAFE, escaped)}\n`);
}

function readOptions(args: Arguments): HandshakeOptions & { timeout: number } {
  const agreement = readChoice(args, "key-agreement", ["ecdh", "dh"]);
  const form = readChoice(args, "dh-form", ["raw", "der"]);
  const guid = args.text("guid");
  if (guid !== undefined && !/^[0-9a-f]{32}$/i.test(guid))
    throw new UsageError("--guid is 32 hexadecimal digits");
  const seconds = args.text("timeout") ?? "30";
  if (!/^\d{1,4}$/.test(seconds) || Number(seconds) === 0)
    throw new UsageError("--timeout is 1 to 9999 seconds");
  return {
    timeout: Number(seconds) * 1000,
    trailingNul: !args.flag("no-nul"),
    ...(agreement && { keyAgreement: agreement === "ecdh" ? "P-256" : "MODP-2048-256" }),
    ...(form && { modpEncoding: form }),
    ...(guid !== undefined && { candidateGuid: new Uint8Array(Buffer.from(guid, "hex")) }),
  };
}

function readChoice<C extends string>(args: Arguments, name: string, choices: readonly C[]): C | undefined {
  const value = args.text(name);
  const choice = choices.find((candidate) => candidate === value);
  if (value !== undefined && choice === undefined)
    throw new UsageError(`--${name} is one of ${choices.join(", ")}`);
  return choice;
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
