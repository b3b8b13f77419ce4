import { CredentialError } from "@ddscred/core";
import {
  type Access,
  type Configuration,
  type DeploymentContext,
  type DialectName,
  type Outlook,
  openAccess,
  outlookOf,
} from "@ddscred/dds-security";
import { type ShownError, shownError } from "../terminal/errors.ts";

/** One of the two, as it was opened. */
export interface Side {
  readonly name: string;
  readonly configuration: Configuration;
  readonly context: DeploymentContext;
}

/** Why an implementation would not start with a configuration. */
export interface Refused extends ShownError {
  readonly source: string;
  /** Which implementation, or the specification. */
  readonly dialect: DialectName;
}

/** What one says to the other in a domain, by the readings of the implementations that both run on. */
export interface Conversation {
  readonly domain: number;
  readonly from: string;
  readonly to: string;
  /** Readings of the writer and of the reader which come to the same. */
  readonly dialects: readonly (readonly [writer: DialectName, reader: DialectName])[];
  readonly outlook?: Outlook;
  readonly refused?: Refused;
}

/** What the two can say to each other, in both directions; topics asked for, or those that their documents name. */
export async function conversations(
  [one, other]: readonly [Side, Side],
  asked: { readonly domain: number | undefined; readonly topics: readonly string[] },
): Promise<readonly Conversation[]> {
  const found: Conversation[] = [];
  for (const domain of await domainsOf([one, other], asked.domain)) {
    const [mine, theirs] = [await openAll(one, domain), await openAll(other, domain)];
    found.push(
      ...grouped(domain, mine, theirs, asked.topics),
      ...grouped(domain, theirs, mine, asked.topics),
    );
  }
  return found;
}

interface Opened {
  readonly name: string;
  readonly byDialect: readonly (readonly [DialectName, Access | CredentialError])[];
}

async function openAll(side: Side, domain: number): Promise<Opened> {
  const byDialect: [DialectName, Access | CredentialError][] = [];
  for (const dialect of DIALECTS) byDialect.push([dialect, await open(side, domain, dialect)]);
  return { name: side.name, byDialect };
}

async function open(
  { configuration, context }: Side,
  domain: number,
  dialect: DialectName,
): Promise<Access | CredentialError> {
  try {
    return await openAccess(configuration, { ...context, domain, dialect });
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
}

/** The domain asked for, or that of a configuration; else those that both permissions documents name. */
async function domainsOf(sides: readonly Side[], asked: number | undefined): Promise<readonly number[]> {
  if (asked !== undefined) return [asked];
  const configured = sides.map(({ configuration }) => configuration.domain).filter(isNumber);
  if (configured.length > 0) return [...new Set(configured)];
  const named: number[] = [];
  for (const side of sides) {
    const access = await open(side, 0, "spec");
    if (access instanceof CredentialError) continue;
    named.push(...access.grant.rules.flatMap(({ domains }) => domains.ranges.map(({ min }) => min)));
  }
  const domains = [...new Set(named)].sort((a, b) => a - b).slice(0, MAX_DOMAINS);
  return domains.length > 0 ? domains : [0];
}

const isNumber = (domain: unknown): domain is number => typeof domain === "number";

/** Readings that come to the same are told once. */
function grouped(
  domain: number,
  writer: Opened,
  reader: Opened,
  topics: readonly string[],
): readonly Conversation[] {
  const groups = new Map<string, { dialects: [DialectName, DialectName][]; result: Result }>();
  for (const [writes, from] of writer.byDialect) {
    for (const [reads, to] of reader.byDialect) {
      const result = resultOf(
        { source: writer.name, dialect: writes, opened: from },
        { source: reader.name, dialect: reads, opened: to },
        topics,
      );
      const key = sameness(result);
      const known = groups.get(key);
      if (known === undefined) groups.set(key, { dialects: [[writes, reads]], result });
      else known.dialects.push([writes, reads]);
    }
  }
  return [...groups.values()].map(({ dialects, result }) => ({
    domain,
    from: writer.name,
    to: reader.name,
    dialects,
    ...result,
  }));
}

type Result = Pick<Conversation, "outlook" | "refused">;

interface Reading {
  readonly source: string;
  readonly dialect: DialectName;
  readonly opened: Access | CredentialError;
}

function resultOf(writer: Reading, reader: Reading, topics: readonly string[]): Result {
  const { opened: from } = writer;
  const { opened: to } = reader;
  if (from instanceof CredentialError) return { refused: refusal(writer, from) };
  if (to instanceof CredentialError) return { refused: refusal(reader, to) };
  return { outlook: outlookOf(from, to, topics) };
}

function refusal({ source, dialect }: Reading, error: CredentialError): Refused {
  return { source, dialect, ...shownError(error) };
}

/** What readings that come to the same have in common. */
function sameness({ outlook, refused }: Result): string {
  if (refused !== undefined) return JSON.stringify([refused.source, refused.dialect]);
  return JSON.stringify(outlook, (name, value: unknown) => (WORDING.has(name) ? undefined : value));
}

const DIALECTS = ["spec", "cyclonedds", "fastdds"] as const;
const MAX_DOMAINS = 4;
/** What each implementation says in its own words, though it comes to the same. */
const WORDING = new Set(["code", "reason", "rule", "considered"]);
