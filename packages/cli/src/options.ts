import { parseArgs } from "node:util";
import { nearest } from "@ddscred/core";
import { UsageError } from "./exit.ts";

type OptionSpecs = Readonly<Record<string, { type: "string" | "boolean"; multiple?: boolean }>>;

/** What a verb was called with. A value of a repeatable option is a list. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** The last value of an option that takes one. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  flag(name: string): boolean;
}

/** Options before or after positionals; `--` ends them. An unknown option is a {@link UsageError}. */
export function readArguments(args: readonly string[], specs: OptionSpecs): Arguments {
  const { values, positionals } = parse(args, specs);
  const all = (name: string) => [values[name] ?? []].flat();
  return {
    positionals,
    text: (name) => all(name).findLast((value) => typeof value === "string"),
    list: (name) => all(name).filter((value) => typeof value === "string"),
    flag: (name) => values[name] === true,
  };
}

function parse(args: readonly string[], specs: OptionSpecs) {
  try {
    return parseArgs({ args: [...args], options: { ...specs }, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's text is a good sentence; its advice about "--" behind the first sentence is not needed. An
    // unexpected value is not repeated: it may hold a PIN.
    const [sentence = "wrong options"] = (error as Error).message.split(/\. |: '/);
    throw new UsageError(sentence + meantBy(sentence, Object.keys(specs)));
  }
}

/** Of an option that is not known, which one it could be. */
function meantBy(sentence: string, names: readonly string[]): string {
  const [, unknown] = /^Unknown option '--([a-z][a-z-]{0,30})'/.exec(sentence) ?? [];
  if (unknown === undefined) return "";
  if (/^(?:pin|pass)/.test(unknown) && names.includes("pin-source"))
    return "; a PIN comes from --pin-source, such as --pin-source file:PATH";
  const [meant] = nearest(unknown, names);
  return meant === undefined ? "" : `; did you mean --${meant}?`;
}

/** `--format`: one of `allowed`, the first by default. */
export function readFormat<F extends string>(args: Arguments, allowed: readonly [F, ...F[]]): F {
  const value = args.text("format") ?? allowed[0];
  const format = allowed.find((candidate) => candidate === value);
  if (format === undefined) throw new UsageError(`--format is one of ${allowed.join(", ")}`);
  return format;
}

/** Two names for one thing: check's, and access's. */
export const peerOptions = { peer: { type: "string" }, dialect: { type: "string" } } as const;

/** `--peer` or `--dialect`: the implementation whose acceptance and reading count. */
export function readPeer(args: Arguments): (typeof PEERS)[number] | undefined {
  const [given, other = given] = Object.keys(peerOptions).flatMap((name) => {
    const value = args.text(name);
    if (value === undefined) return [];
    const peer = PEERS.find((candidate) => candidate === value);
    if (peer === undefined) throw new UsageError(`--${name} is one of ${PEERS.join(", ")}`);
    return [peer];
  });
  if (given !== other) throw new UsageError("--peer and --dialect are one option by two names: give one");
  return given;
}

const PEERS = ["cyclonedds", "fastdds", "spec"] as const;

/** `--tag NAME=VALUE`, repeated: data tags of a writer or reader. */
export function readTags(args: Arguments): { name: string; value: string }[] {
  return args.list("tag").map((text) => {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError("--tag is NAME=VALUE");
    return { name, value };
  });
}

/** `--domain`: a DDS domain id, 0 to 230 (DDSI-RTPS 2.2 9.6.1.1). */
export function readDomain(args: Arguments): number | undefined {
  const value = args.text("domain");
  if (value === undefined) return undefined;
  const domain = Number(value);
  if (!/^\d{1,3}$/.test(value) || domain > 230)
    throw new UsageError(
      `--domain is a number from 0 to 230${instead(value, /^(?:-?\d{1,3}|[a-z]{1,10})$/i)}`,
    );
  return domain;
}

/** `--at` and its kin: an ISO 8601 date, or date and time; without a zone it is UTC. */
export function readMoment(args: Arguments, name = "at"): Date | undefined {
  const value = args.text(name);
  if (value === undefined) return undefined;
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(
    value,
  );
  const [, date = "", time = "00:00:00", zone = "Z"] = match ?? [];
  const moment = new Date(`${date}T${time}${zone.toUpperCase()}`);
  // Date takes a day that its month has not for one of the next month.
  if (Number.isNaN(moment.getTime()) || !new Date(`${date}T00:00:00Z`).toISOString().startsWith(date))
    throw new UsageError(
      `--${name} is a time such as 2027-01-31T12:00:00Z, or a date alone${instead(value, MOMENT_LIKE)}`,
    );
  return moment;
}

/** A value is repeated where it can be no PIN that was put in the wrong place. */
const instead = (value: string, harmless: RegExp): string => (harmless.test(value) ? `, not "${value}"` : "");
const MOMENT_LIKE = /^(?:now|today|tomorrow|\d{1,4}[-./]\d{1,2}(?:[-./]\d{1,4})?[T \d:.+Z-]{0,25})$/i;

/** A span of time such as `30d` or `12h`, in milliseconds. */
export function readSpan(args: Arguments, name: string): number | undefined {
  const value = args.text(name);
  if (value === undefined) return undefined;
  const [, count, unit] = /^(\d{1,5})([dh])$/.exec(value) ?? [];
  if (count === undefined) throw new UsageError(`--${name} is a number of days or hours, such as 30d or 12h`);
  return Number(count) * (unit === "d" ? 86_400_000 : 3_600_000);
}

/** The options that were given, for functions that take no undefined ones. */
export function definedOnly<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
