import { fileBackend } from "@ddscred/backend-file";
import type { CryptoProvider, Resolver } from "@ddscred/core";
import type { ExposureOf, ReadCaFolder } from "@ddscred/dds-security";
import type { Arguments } from "./options.ts";
import { tokenWiring } from "./pin/options.ts";
import { fastddsPins } from "./pin/pins.ts";
import type { Source } from "./source.ts";
import { wire } from "./wiring.ts";

/** What opens the credentials of one configuration. */
export interface OpenSource {
  readonly resolver: Resolver;
  readonly crypto: CryptoProvider;
  readonly readCaFolder: ReadCaFolder;
  readonly exposure: ExposureOf;
  readonly close: () => Promise<void>;
}

/**
 * Opens the sources of a command line as its options for tokens say. Each has backends of its own: the PIN that opens
 * a token for one configuration does not open it for another.
 */
export function sourceOpener(args: Arguments): (source: Source) => OpenSource {
  const tokens = tokenWiring(args);
  const isGiven = args.text("pin-source") !== undefined;
  return ({ configuration: { form }, bases }) => {
    const isFastdds = form === "fastdds" || form === "sros2";
    const pin = isFastdds && !isGiven ? fastddsPins(tokens.pin) : tokens.pin;
    const { resolver, crypto } = wire({ ...tokens, pin, bases });
    const files = fileBackend({ bases });
    return {
      resolver,
      crypto,
      readCaFolder: async (path) => await files.certificateFolder(path),
      exposure: async (uri) => await files.exposure(uri),
      close: async () => await resolver.close(),
    };
  };
}
