import { constants, type Dirent } from "node:fs";
import { access, open, readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";

/** What discovery sees of the machine; tests give another one. */
export interface DiscoveryWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's folder; p11-kit's settings of the user are below it. */
  readonly home: string | undefined;
  /** The name of this architecture in library folders, such as `x86_64-linux-gnu`. */
  readonly architecture: string | undefined;
  /** A configuration file; why not, where it cannot be had. Never rejects. */
  readFile(path: string): Promise<FileReading>;
  /** Names of the files in a folder; none where there is no such folder. Never rejects. */
  listFolder(path: string): Promise<readonly string[]>;
  /** Whether something is there. Never rejects. */
  exists(path: string): Promise<boolean>;
  isFolder(path: string): Promise<boolean>;
  /** The path without symbolic links; the same one where nothing is there. Never rejects. */
  realPath(path: string): Promise<string>;
}

type FileReading =
  | { readonly text: string }
  /** `reason` completes the sentence "PATH cannot be read: ...". */
  | { readonly text?: undefined; readonly isMissing: boolean; readonly reason: string };

/** This machine. */
export function thisMachine(environment: DiscoveryWorld["environment"] = process.env): DiscoveryWorld {
  return {
    environment,
    home: environment["HOME"] ?? homedir(),
    architecture: process.platform === "linux" ? architectures[process.arch] : undefined,
    readFile: readConfigFile,
    async listFolder(path) {
      const entries: Dirent[] = await readdir(path, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    },
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    isFolder: (path) =>
      stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    realPath: (path) => realpath(path).catch(() => path),
  };
}

async function readConfigFile(path: string): Promise<FileReading> {
  try {
    // Opening a pipe without a writer, or a device, would wait.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await file.stat()).isFile()) return { isMissing: false, reason: "it is no regular file" };
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE + 1), 0, MAX_FILE + 1, 0);
      if (bytesRead > MAX_FILE) return { isMissing: false, reason: `it is larger than ${MAX_FILE} bytes` };
      // Names and paths are bytes to OpenSSL; what is no UTF-8 is kept apart from what is.
      return { text: buffer.toString("utf8", 0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    return { isMissing, reason: isMissing ? "there is no such file" : code };
  }
}

const MAX_FILE = 1 << 20;

/** Debian's multiarch names, by Node's. */
const architectures: Readonly<Record<string, string>> = {
  x64: "x86_64-linux-gnu",
  ia32: "i386-linux-gnu",
  arm64: "aarch64-linux-gnu",
  arm: "arm-linux-gnueabihf",
  riscv64: "riscv64-linux-gnu",
  ppc64: "powerpc64le-linux-gnu",
  s390x: "s390x-linux-gnu",
  loong64: "loongarch64-linux-gnu",
};
