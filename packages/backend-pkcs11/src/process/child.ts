/**
 * The program of the process that owns a module: `child.js PATH`, with an IPC channel. It ends with its
 * parent, however that ends. A module that hangs keeps this thread from noticing, so another one watches too.
 */
import { Socket } from "node:net";
import { isMainThread, Worker } from "node:worker_threads";
import { LIFELINE } from "./lifeline.ts";

if (isMainThread) {
  process.once("disconnect", end);
  process.on("SIGINT", () => undefined); // Ctrl-C is for the parent, which may still have something to sign
  const { serve } = await import("./serve.ts");
  // Where the lifeline cannot be watched, the channel is all there is.
  new Worker(new URL(import.meta.url)).on("error", () => undefined).unref();
  await serve(process.argv[2] ?? "");
} else {
  new Socket({ fd: LIFELINE }).on("close", end).on("error", end).resume();
}

/** Without farewell: what a module does at the end of a process can hang as well. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}
