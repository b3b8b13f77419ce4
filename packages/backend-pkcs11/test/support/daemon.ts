import { spawn } from "node:child_process";
import type { Test } from "tap";

export interface Daemon {
  readonly isRunning: () => boolean;
  /** At once. */
  readonly end: () => void;
}

/**
 * Starts a program that ends at the end of the test, with all that it started itself. It ends too when this
 * process does, however that ends: a shell waits for this process to let go of its pipe.
 */
export function startDaemon(t: Test, program: string, ...args: readonly string[]): Daemon {
  const script = '"$@" 3<&- & server=$!; { read -r _; kill -9 0; } <&3 & wait $server; kill -9 0';
  const shell = spawn("/bin/sh", ["-c", script, "sh", program, ...args], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    detached: true,
  });
  const isRunning = (): boolean => shell.exitCode === null && shell.signalCode === null;
  const end = (): void => {
    if (shell.pid !== undefined && isRunning()) process.kill(-shell.pid, "SIGKILL");
  };
  t.teardown(end);
  return { isRunning, end };
}
