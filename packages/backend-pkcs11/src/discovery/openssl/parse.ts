import { isAbsolute, join } from "node:path";
import type { DiscoveryWorld } from "../world.ts";
import { type ConfigLine, configLines } from "./lines.ts";
import { ConfigSyntaxError, expandValue } from "./value.ts";

/** One `name = value`, with the place where it stands. */
export interface ConfigEntry {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export type ConfigSection = ReadonlyMap<string, ConfigEntry>;

export interface OpensslConfig {
  /** Everything that was read, in order: the file itself, then what it includes. */
  readonly files: readonly string[];
  readonly sections: ReadonlyMap<string, ConfigSection>;
  /** Where reading stopped. OpenSSL takes nothing from a configuration that has one. */
  readonly fault?: ConfigFault;
}

interface ConfigFault {
  readonly message: string;
  readonly file: string;
  readonly line?: number;
}

/**
 * Reads a configuration as OpenSSL does (config(5)): sections, variables, quotes, continued lines, `.include`
 * of files and folders, `.pragma`. The last of equal names counts. Of an odd file it says where it is odd, and
 * gives what stood before; it never rejects.
 */
export async function readOpensslConfig(file: string, world: DiscoveryWorld): Promise<OpensslConfig> {
  const reader = new Reader(world);
  try {
    await reader.readMain(file);
    return { files: reader.files, sections: reader.sections };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { files: reader.files, sections: reader.sections, fault: error.fault };
  }
}

class Fault extends Error {
  readonly fault: ConfigFault;

  constructor(fault: ConfigFault) {
    super(fault.message);
    this.fault = fault;
  }
}

class Reader {
  readonly files: string[] = [];
  readonly sections = new Map<string, Map<string, ConfigEntry>>([["default", new Map()]]);
  readonly #world: DiscoveryWorld;
  #section = "default";
  #includeFolder: string | undefined;
  #dollarInNames = false;
  #length = 0;
  #entries = 0;

  constructor(world: DiscoveryWorld) {
    this.#world = world;
  }

  async readMain(file: string): Promise<void> {
    const reading = await this.#world.readFile(file);
    if (reading.text === undefined) throw new Fault({ message: reading.reason, file });
    await this.#read(file, reading.text, 0);
  }

  async #read(file: string, text: string, depth: number): Promise<void> {
    this.files.push(file);
    this.#length += text.length;
    if (this.files.length > MAX_FILES || this.#length > MAX_LENGTH) {
      throw new Fault({ message: "it includes more than a configuration can need", file });
    }
    for (const line of configLines(text)) {
      try {
        const included = this.#take(line, file);
        if (included !== undefined) await this.#include(included, depth);
      } catch (error) {
        if (!(error instanceof ConfigSyntaxError)) throw error;
        throw new Fault({ message: error.message, file, line: line.line });
      }
    }
  }

  /** @returns the path of an `.include` */
  #take({ text, line }: ConfigLine, file: string): string | undefined {
    if (text.startsWith("[")) return this.#open(text);
    const directive = /^\.(include|pragma)(?:[ \t]+|(?==))=?[ \t]*([^]*)$/.exec(text);
    if (directive?.[1] === "include") return this.#expanded(trimmed(directive[2]), this.#section);
    if (directive?.[1] === "pragma") return this.#pragma(trimmed(directive[2]));
    const match =
      /^(?:((?:[\w!.%&*+,/;?@^~|-]|\\[^])*)::)?((?:[\w!.%&*+,/;?@^~|-]|\\[^])*)[ \t]*=([^]*)$/.exec(text);
    const [, section = this.#section, name = "", value = ""] = match ?? [];
    if (match === null) throw new ConfigSyntaxError("there is neither a [section] nor name = value");
    this.#set(section, name, { value: this.#expanded(trimmed(value), section), file, line });
    return undefined;
  }

  #open(text: string): undefined {
    const name = /^\[[ \t]*((?:[\w!.%&*+,/;?@^~|-]|[ \t]|\\[^])*)\]/.exec(text)?.[1];
    if (name === undefined) throw new ConfigSyntaxError("the name of a section has no closing ]");
    this.#section = this.#expanded(trimmed(name), undefined);
    if (!this.sections.has(this.#section)) this.sections.set(this.#section, new Map());
  }

  #set(section: string, name: string, entry: ConfigEntry): void {
    if (++this.#entries > MAX_ENTRIES) throw new ConfigSyntaxError(`more than ${MAX_ENTRIES} values`);
    const values = this.sections.get(section) ?? new Map<string, ConfigEntry>();
    this.sections.set(section, values);
    values.delete(name); // the last one counts, in its own place
    values.set(name, entry);
  }

  /** `.pragma`: what bears on reading; others are ignored, as OpenSSL does. */
  #pragma(text: string): undefined {
    const [, name = "", value = ""] = /^([^:]+):[ \t]*([^]+)$/.exec(text) ?? [];
    if (name === "") throw new ConfigSyntaxError("a .pragma is not name:value");
    if (name.trim() === "includedir") this.#includeFolder = value;
    if (name.trim() === "dollarid") this.#dollarInNames = /^(on|true)$/i.test(value);
  }

  async #include(path: string, depth: number): Promise<void> {
    if (depth === MAX_DEPTH) throw new ConfigSyntaxError(`.include is nested more than ${MAX_DEPTH} deep`);
    const folder = this.#world.environment["OPENSSL_CONF_INCLUDE"] ?? this.#includeFolder;
    const place = folder === undefined || isAbsolute(path) ? path : join(folder, path);
    if (!(await this.#world.isFolder(place))) return await this.#readIncluded(place, depth);
    const names = (await this.#world.listFolder(place)).filter((name) => /\.(cnf|conf)$/.test(name));
    for (const name of names.sort()) await this.#readIncluded(join(place, name), depth);
  }

  /** A file that is not there is nothing wrong to OpenSSL. */
  async #readIncluded(file: string, depth: number): Promise<void> {
    const reading = await this.#world.readFile(file);
    if (reading.text !== undefined) await this.#read(file, reading.text, depth + 1);
    else if (!reading.isMissing) throw new Fault({ message: reading.reason, file });
  }

  #expanded(text: string, section: string | undefined): string {
    if (this.#dollarInNames) text = text.replace(/(?<!\\)\$(?![{(])/g, "\\$&");
    const value = expandValue(text, section, (from, name) => this.#lookup(from, name));
    this.#length += value.length;
    if (this.#length > MAX_LENGTH) throw new ConfigSyntaxError("all values together are too long");
    return value;
  }

  #lookup(section: string | undefined, name: string): string | undefined {
    const there = section === undefined ? undefined : this.sections.get(section)?.get(name)?.value;
    const outside = section === "ENV" ? this.#world.environment[name] : undefined;
    return there ?? outside ?? this.sections.get("default")?.get(name)?.value;
  }
}

function trimmed(text: string | undefined): string {
  return (text ?? "").replace(/^[ \t\r\n]+/, "").trimEnd();
}

const MAX_DEPTH = 16;
const MAX_FILES = 64;
const MAX_ENTRIES = 50_000;
/** Of all files and values together, in characters. */
const MAX_LENGTH = 1 << 23;
