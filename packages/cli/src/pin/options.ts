import { moduleVariables, type TraceListener } from "@ddscred/backend-pkcs11";
import { UsageError } from "../exit.ts";
import type { Arguments } from "../options.ts";
import { printTrace } from "../terminal/trace.ts";
import type { Wiring } from "../wiring.ts";
import { programPins } from "./pins.ts";

/** The options of every verb that may need a token. */
export const tokenOptions = {
  module: { type: "string" },
  "library-parameters": { type: "string" },
  "pin-source": { type: "string" },
  trace: { type: "boolean" },
} as const;

/** What they say, for {@link wire}. */
export function tokenWiring(args: Arguments): TokenWiring {
  return {
    module: args.text("module"),
    libraryParameters: libraryParametersOf(args),
    pin: programPins(pinSourceOf(args)),
    trace: traceOf(args),
  };
}

export type TokenWiring = Pick<Wiring, "module" | "libraryParameters" | "trace"> &
  Required<Pick<Wiring, "pin">>;

/** `--pin-source`; {@link UsageError} where it has no kind. It may be the PIN itself: nothing of it is shown. */
function pinSourceOf(args: Arguments): string | undefined {
  const source = args.text("pin-source");
  if (source === undefined || /^(?:\||[a-z]+:)/i.test(source)) return source;
  throw new UsageError(
    "--pin-source needs a kind in front, as in file:pin: file:PATH, env:NAME, fd:NUMBER, systemd:NAME, or '|PROGRAM ARGUMENTS'",
  );
}

/**
 * `--library-parameters`: for the module of `--module`, else of the environment; {@link UsageError} where neither
 * names one, for what it says may be secret, and is not for every module that is found.
 */
export function libraryParametersOf(args: Arguments): string | undefined {
  const parameters = args.text("library-parameters");
  const isNamed = args.text("module") !== undefined || moduleVariables.some((name) => process.env[name]);
  if (parameters === undefined || isNamed) return parameters;
  throw new UsageError(
    `--library-parameters is for one module: name it by --module PATH or ${moduleVariables[0]}`,
  );
}

/** `--trace`: where calls on tokens are told; undefined where nobody wants to know. */
export function traceOf(args: Arguments): TraceListener | undefined {
  return args.flag("trace") ? printTrace : undefined;
}

/** Of `--library-parameters`, for the usage of a verb. */
export const parametersUsage = `  --library-parameters TEXT
                        what that module is started with, if it wants a text, as
                        NSS softokn does; a list of processes shows it.
                        Default: what openssl.cnf or p11-kit states for it`;

/** Of `--trace`, for the usage of a verb. */
export const traceUsage = `  --trace               print each call on a token to stderr: its time, its
                        result, and neither PINs nor data`;

/** Of all of them. */
export const tokenUsage: string = usageOf(
  "it is asked\n                        for where there is a terminal",
);

/** Of a verb that opens configurations. */
export const sourceUsage: string = usageOf(
  "for what\n                        Fast DDS reads, FASTDDS_PKCS11_PIN where it is set;\n                        else it is asked for where there is a terminal",
);

function usageOf(pinByDefault: string): string {
  return `  --module PATH         PKCS#11 module for pkcs11: URIs; default: the
                        module-path of the URI, else the one that the
                        environment, openssl.cnf or p11-kit names
${parametersUsage}
  --pin-source SOURCE   where the PIN is that no URI holds: file:PATH, env:NAME,
                        fd:NUMBER, systemd:NAME, or '|PROGRAM ARGUMENTS'; for
                        the first token that wants one. Default: ${pinByDefault}
${traceUsage}`;
}
