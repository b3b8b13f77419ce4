import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fileBackend } from "@ddscred/backend-file";
import { redactUri } from "@ddscred/core";
import {
  type Configuration,
  configurationFromProperties,
  type FileExposure,
  readConfiguration,
} from "@ddscred/dds-security";
import { isFolder, readEnclaves } from "./enclave-source.ts";
import { UsageError } from "./exit.ts";
import { pathOf, readStdin, STDIN } from "./input.ts";
import { type Arguments, definedOnly } from "./options.ts";

/** A configuration, where its relative paths start, and what others may do with its file. */
export interface Source {
  readonly configuration: Configuration;
  readonly bases: readonly string[];
  readonly others: FileExposure;
}

/** One place that configurations are read from, not read yet. */
export interface SourceReader {
  /** For messages; it shows no PIN. */
  readonly name: string;
  /** All configurations of the source that concern the domain. What a CredentialError stops has none. */
  read(domain: number | undefined): Promise<readonly Source[]>;
}

/** What the positionals, or `--property NAME=URI`, name. {@link UsageError} where it is both or neither. */
export function sourceReaders(args: Arguments): readonly SourceReader[] {
  const properties = args.list("property").map((text) => {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError("--property is NAME=URI");
    return { name, value };
  });
  if (properties.length > 0 && args.positionals.length > 0)
    throw new UsageError("name files or properties, not both");
  if (properties.length === 0 && args.positionals.length === 0)
    throw new UsageError("name a configuration file");
  if (properties.length === 0) {
    return args.positionals.map((file) => ({
      // Whoever gives a URI in place of a file gives its PIN too.
      name: redactUri(file),
      read: async (domain) => await readFileSource(file, domain),
    }));
  }
  const read = async () => [
    {
      configuration: configurationFromProperties(properties),
      bases: [process.cwd()],
      others: {},
    },
  ];
  return [{ name: "properties", read }];
}

async function readFileSource(name: string, domain: number | undefined): Promise<readonly Source[]> {
  if (name === STDIN) return await readStandardInput(domain);
  const file = pathOf(name);
  if (await isFolder(file)) return await readEnclaves(resolve(file));
  const backend = fileBackend();
  const uri = pathToFileURL(file).href;
  const bytes = await backend.document(uri);
  const { readableByOthers = false, writableByOthers = false } = (await backend.exposure(uri)) ?? {};
  const others = { readableByOthers, writableByOthers };
  const configurations = readConfiguration(bytes, {
    file: redactUri(file),
    environment: process.env,
    ...definedOnly({ domain }),
  });
  // Implementations start relative paths at their working directory, which is not known here: the folder of the
  // configuration is tried first, then the folder where ddscred runs.
  const bases = [...new Set([dirname(resolve(file)), process.cwd()])];
  return configurations.map((configuration) => ({ configuration, bases, others }));
}

/** Nobody else has written it, and relative paths in it start where ddscred runs. */
async function readStandardInput(domain: number | undefined): Promise<readonly Source[]> {
  const bytes = await readStdin();
  const configurations = readConfiguration(bytes, {
    file: STDIN,
    environment: process.env,
    ...definedOnly({ domain }),
  });
  return configurations.map((configuration) => ({ configuration, bases: [process.cwd()], others: {} }));
}
