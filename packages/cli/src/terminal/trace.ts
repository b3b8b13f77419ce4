import type { TracedCall } from "@ddscred/backend-pkcs11";

/** One call on a token as a line on stderr: time, function, what it was about, result. */
export function printTrace({ call, milliseconds, result, ...facts }: TracedCall): void {
  const { slot, session, mechanism, given, got, count } = facts;
  const about = [
    slot === undefined ? "" : `slot ${slot}`,
    session === undefined ? "" : `session ${session}`,
    mechanism ?? "",
    given === undefined ? "" : `${given} bytes given`,
    got === undefined ? "" : `${got} bytes got`,
    count === undefined ? "" : `${count} found`,
  ].filter((fact) => fact !== "");
  const time = milliseconds.toFixed(1).padStart(8);
  process.stderr.write(`trace ${time} ms  ${call.padEnd(19)} ${[result, ...about].join(", ")}\n`);
}
