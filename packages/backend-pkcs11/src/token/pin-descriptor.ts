import { constants, fstatSync, read, readdirSync, readFileSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CredentialError, type Secret } from "@ddscred/core";
import { MAX_PIN, NEWLINE, pinOfFirstLine, reasonOf, shownName, unreadable } from "./pin-text.ts";

/**
 * The PIN in the first line of a file descriptor that whoever started this process opened for it: of a file or
 * a pipe. What was read is gone, so each descriptor is read once in the life of the process, and what came of
 * it is kept, be it a PIN or an error.
 *
 * @param number in decimal digits
 * @param deadline milliseconds in which the line must come through a pipe
 */
export async function pinOfDescriptor(number: string, deadline = DEADLINE): Promise<Secret> {
  if (!/^(?:0|[1-9]\d{0,8})$/.test(number)) {
    throw new CredentialError("PIN_SOURCE_REFUSED", "fd: is followed by no number", {
      hint: "Write the number of an open file descriptor, such as fd:3.",
    });
  }
  const known = outcomes.get(number);
  if (known !== undefined) return await known;
  const outcome = readPin(Number(number), deadline);
  outcomes.set(number, outcome);
  return await outcome;
}

const outcomes = new Map<string, Promise<Secret>>();

async function readPin(fd: number, deadline: number): Promise<Secret> {
  const place = `the file descriptor ${shownName(String(fd))}`;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isFIFO()) throw unreadable(`${place} is neither a file nor a pipe`);
    if (stat.isFIFO() && process.platform !== "linux")
      throw unreadable(`${place} is a pipe, which is read on Linux only`);
    if (stat.isFIFO() && isOwn(stat)) throw unreadable(`${place} is a pipe within this process`);
    const bytes = stat.isFile() ? await readRegular(fd) : await readPipe(fd, deadline);
    return pinOfFirstLine(bytes, place);
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    const reason = reasonOf(error);
    throw unreadable(`${place} cannot be read: ${reasons[reason] ?? reason}`);
  }
}

async function readRegular(fd: number): Promise<Buffer> {
  const { buffer, bytesRead } = await promisify(read)(fd, Buffer.alloc(MAX_PIN + 1), 0, MAX_PIN + 1, null);
  return buffer.subarray(0, bytesRead);
}

/**
 * What comes until a line is there, nobody can write any more, or it is too much; EAGAIN when time is over.
 * The pipe is opened anew, to read without blocking whoever else has it.
 */
async function readPipe(fd: number, deadline: number): Promise<Buffer> {
  const end = performance.now() + deadline;
  const pipe = await open(`/dev/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let bytes = Buffer.alloc(0);
    while (!bytes.includes(NEWLINE) && bytes.length <= MAX_PIN) {
      const { buffer, bytesRead } = await readNow(pipe, end);
      if (bytesRead === 0) break;
      bytes = Buffer.concat([bytes, buffer.subarray(0, bytesRead)]);
    }
    return bytes;
  } finally {
    await pipe.close();
  }
}

async function readNow(pipe: FileHandle, end: number): Promise<{ buffer: Buffer; bytesRead: number }> {
  for (;;) {
    try {
      return await pipe.read(Buffer.alloc(MAX_PIN + 1), 0, MAX_PIN + 1, null);
    } catch (error) {
      if (reasonOf(error) !== "EAGAIN" || performance.now() > end) throw error;
    }
    await sleep(PAUSE);
  }
}

/**
 * Whether this process can write to a pipe. Then it is one of Node.js, which would not survive that somebody
 * takes a byte out of it, or of another part of the program; none that was opened to pass a PIN.
 */
function isOwn(pipe: Stats): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      const { dev, ino } = fstatSync(Number(fd));
      if (dev !== pipe.dev || ino !== pipe.ino) return false;
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
      return (Number.parseInt(flags ?? "0", 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
    } catch {
      return false; // closed in the meantime
    }
  });
}

const reasons: Readonly<Record<string, string>> = {
  EBADF: "it is not open",
  EAGAIN: "no line came in time",
};

/** Milliseconds. */
const DEADLINE = 2000;
const PAUSE = 10;
