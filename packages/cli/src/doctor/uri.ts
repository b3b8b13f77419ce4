import type { ModuleCandidate } from "@ddscred/backend-pkcs11";
import {
  CredentialError,
  matchesToken,
  nearest,
  type Pkcs11Uri,
  parsePkcs11Uri,
  redactUri,
} from "@ddscred/core";
import { pinsWereGiven } from "../pin/pins.ts";
import { type Wiring, wire } from "../wiring.ts";
import { type ExaminedModule, moduleOptions } from "./modules.ts";
import { carriesPin, judgePins, notTried } from "./pin.ts";
import { type DoctorFinding, failed, finding, good, shellWord } from "./report.ts";
import { type PlacedToken, tokensOf } from "./tokens.ts";

/** How the URI's token is opened. */
export interface TokenAccess extends Pick<Wiring, "pin" | "trace"> {
  /** Where the PIN is that the URI does not hold. */
  readonly pinSource: string | undefined;
}

interface GivenUri {
  readonly text: string;
  readonly uri: Pkcs11Uri | CredentialError;
}

/** The URI, or why it is none. */
export function readUri(text: string): Pkcs11Uri | CredentialError {
  try {
    return parsePkcs11Uri(text);
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
}

/**
 * Whether the URI leads to a token and an object. Nobody is logged in unless the URI has a PIN; then the PIN
 * is tried, once.
 */
export async function judgeUri(
  { text, uri }: GivenUri,
  examined: readonly ExaminedModule[],
  access: TokenAccess,
): Promise<readonly DoctorFinding[]> {
  if (uri instanceof CredentialError) return [failed("uri", uri)];
  const pin = await judgePins(uri, access.pinSource);
  const module = examined.find(({ used }) => used);
  if (module === undefined || module.result instanceof CredentialError) return pin;
  const { candidate } = module;
  const initialised = tokensOf([module]).filter(({ token }) => token.isInitialised);
  const matching = initialised.filter(({ token }) => matchesToken(uri, token.info));
  const [only] = matching;
  if (only === undefined) return [...pin, noToken(uri, initialised)];
  if (matching.length > 1) {
    const message = `the URI matches ${matching.length} tokens`;
    const uris = matching.map(({ token }) => token.uri).join(" or ");
    return [...pin, finding("error", "uri", message, `Name one: ${uris}`, { code: "TOKEN_AMBIGUOUS" })];
  }
  const found = good("uri", `the URI names the token ${JSON.stringify(only.token.info.label)}`);
  // Without the PIN it would say again what is wrong with its source.
  if (pin.some(({ severity }) => severity === "error")) return [...pin, found];
  return [...pin, found, ...(await judgeObject(text, uri, candidate, access))];
}

async function judgeObject(
  text: string,
  uri: Pkcs11Uri,
  candidate: ModuleCandidate,
  access: TokenAccess,
): Promise<DoctorFinding[]> {
  const { object, id, type } = uri.path;
  if (object === undefined && id === undefined && type === undefined) {
    return carriesPin(uri) || access.pinSource !== undefined ? [notTried("the URI names no object")] : [];
  }
  const found: string[] = [];
  const there: string[] = [];
  const libraryParameters = candidate.parameters?.text.reveal();
  const { pin, trace } = access;
  const { resolver } = wire({
    module: candidate.path,
    libraryParameters,
    trace,
    ...(pin === undefined ? {} : { pin }),
  });
  try {
    for await (const description of resolver.list(text)) {
      if (description.kind !== "token")
        found.push(`${description.kind} ${JSON.stringify(description.label)}`);
    }
    if (found.length === 0) {
      const [, query = ""] = /([?][^]*)$/.exec(text) ?? [];
      for await (const { kind, label } of resolver.list(withoutObject(text) + query)) {
        if (kind !== "token") there.push(label);
      }
    }
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return [failed("uri", error)];
  } finally {
    await resolver.close();
  }
  if (found.length > 0) return [good("uri", `the URI names ${found.join(", ")}`)];
  const hasPin = pinsWereGiven() || carriesPin(uri);
  // Without a PIN it lists no private keys; that of the URI is not shown.
  const list = `\`ddscred ls ${moduleOptions(candidate)} --pin-source SOURCE ${shellWord(redactUri(withoutObject(text)))}\``;
  return hasPin
    ? [
        finding(
          "error",
          "uri",
          `no object on the token matches the URI; ${candidatesFor(object ?? "", there)}`,
          `Correct object=, id= or type=; ${list} lists all.`,
          { code: "OBJECT_NOT_FOUND" },
        ),
      ]
    : [
        finding(
          "warning",
          "uri",
          "without a login, no object that matches the URI is seen",
          "Private keys are not shown without a login: give --pin-source file:PATH, or the PIN in the URI.",
        ),
      ];
}

function candidatesFor(wanted: string, labels: readonly string[]): string {
  if (labels.length === 0) return "there is none at all";
  const near = nearest(wanted, labels);
  const shown = (near.length > 0 ? near : [...new Set(labels)].slice(0, 3)).map((label) =>
    JSON.stringify(label),
  );
  return `${near.length > 0 ? "the nearest are" : "there are"} ${shown.join(", ")}`;
}

function withoutObject(text: string): string {
  return text
    .replace(/[?].*$/s, "")
    .replace(/;?(?:object|id|type)=[^;]*/g, "")
    .replace(/^pkcs11:;/i, "pkcs11:");
}

function noToken(uri: Pkcs11Uri, tokens: readonly PlacedToken[]): DoctorFinding {
  const labels = tokens.map(({ token }) => token.info.label);
  const close = nearest(uri.path.token ?? "", labels).map((label) => JSON.stringify(label));
  const there = close.length === 0 ? "there is none" : `there is ${close.join(", ")}`;
  const message = `no token matches the URI; ${there}`;
  const hint = "Connect the token, correct token=, or name the module that it is behind: --module PATH.";
  return finding("error", "uri", message, hint, { code: "TOKEN_NOT_FOUND" });
}
