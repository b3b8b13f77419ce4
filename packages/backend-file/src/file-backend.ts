import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type CallOptions,
  type Certificate,
  CredentialError,
  type CredentialSource,
  certificatesFromPem,
  crlsFromPem,
  type DocumentSource,
  parseDataUri,
  parseFileUri,
  type RevocationSource,
  type Signer,
  type SignerOptions,
  uriScheme,
} from "@ddscred/core";
import { softwareSigner } from "@ddscred/crypto-node";
import { abortable } from "./abortable.ts";
import { type FolderEntry, readCertificateFolder } from "./certificate-folder.ts";
import { fileFault } from "./file-fault.ts";
import { firstFound } from "./first-found.ts";
import { notPem } from "./not-pem.ts";
import { MAX_CREDENTIAL, MAX_DOCUMENT, readFile } from "./read-file.ts";
import { fileUri } from "./shown.ts";

export interface FileBackendOptions {
  /** Folders where relative paths start, tried in order. Default: the working directory at this moment. */
  readonly bases?: readonly string[];
}

/** What others than the owner may do with a file. */
export interface FileExposure {
  /** Permission bits, such as 0o640. */
  readonly mode: number;
  /** Whether the mode lets the group or everybody read it. */
  readonly readableByOthers: boolean;
  /** Whether the mode lets the group or everybody change it. */
  readonly writableByOthers: boolean;
}

export interface FileBackend extends CredentialSource, DocumentSource, RevocationSource {
  /** Who may read or change the file that the URI names; undefined for data:, which has no file. */
  exposure(uri: string, options?: CallOptions): Promise<FileExposure | undefined>;
  /** The certificates of a folder, which is named by its plain path; see {@link FolderEntry}. */
  certificateFolder(path: string, options?: CallOptions): Promise<readonly FolderEntry[]>;
}

/**
 * Credentials from `file:` (RFC 8089) and `data:` (RFC 2397) URIs: PEM certificates, private keys and CRLs of at
 * most 1 MiB, signed documents of at most 16 MiB. Every call reads anew; nothing is kept.
 *
 * Errors besides those of {@link CredentialSource}: `FILE_NOT_FOUND` (with near names as `candidates`),
 * `FILE_NOT_READABLE`, `FILE_NOT_REGULAR`, `FILE_EMPTY`, `FILE_TOO_LARGE`, `FILE_READ_FAILED`, `PEM_NOT_FOUND`,
 * `PEM_INVALID`, those of decoding, and for keys those of `softwareSigner`. Content never appears in them.
 */
export function fileBackend(options: FileBackendOptions = {}): FileBackend {
  const { bases = [process.cwd()] } = options;
  if (!Array.isArray(bases) || bases.some((base) => typeof base !== "string" || base.includes("\0"))) {
    throw new TypeError("bases are folders, as an array of strings");
  }
  return new Files(bases.map((base) => resolve(base)));
}

/** Content, and the file that it came from. */
interface Content {
  readonly bytes: Uint8Array;
  readonly place: { readonly uri: string; readonly file?: string };
}

class Files implements FileBackend {
  readonly name = "file";
  readonly schemes = ["file", "data"] as const;
  readonly #bases: readonly string[];
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(bases: readonly string[]) {
    this.#bases = bases;
  }

  async certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]> {
    const { bytes, place } = await this.#load(uri, MAX_CREDENTIAL, options);
    return certificatesFromPem(bytes, place);
  }

  async revocationLists(uri: string, options?: CallOptions): Promise<readonly Uint8Array[]> {
    const { bytes, place } = await this.#load(uri, MAX_CREDENTIAL, options);
    return crlsFromPem(bytes, place);
  }

  async document(uri: string, options?: CallOptions): Promise<Uint8Array> {
    const { bytes } = await this.#load(uri, MAX_DOCUMENT, options);
    return bytes;
  }

  async signer(uri: string, options: SignerOptions = {}): Promise<Signer> {
    const { bytes, place } = await this.#load(uri, MAX_CREDENTIAL, options);
    const fault = notPem(bytes, place);
    if (fault !== undefined) throw fault;
    const { passphrase } = options;
    const signer = softwareSigner(bytes, { ...place, ...(passphrase === undefined ? {} : { passphrase }) });
    return {
      publicKey: signer.publicKey,
      schemes: signer.schemes,
      extractable: signer.extractable,
      sign: (scheme, message, call) =>
        this.#run(uri, call, async () => await signer.sign(scheme, message, call)),
    };
  }

  async exposure(uri: string, options?: CallOptions): Promise<FileExposure | undefined> {
    return await this.#run(uri, options, async () => {
      if (uriScheme(uri) === "data") return undefined;
      return await firstFound(this.#paths(uri), uri, async (path) => await exposureOf(path, uri));
    });
  }

  async certificateFolder(path: string, options?: CallOptions): Promise<readonly FolderEntry[]> {
    return await this.#run(path, options, async () => {
      if (path === "" || path.includes("\0")) {
        throw new CredentialError("FILE_NOT_FOUND", "the path of the folder is empty or holds a NUL");
      }
      const paths = this.#bases.map((base) => resolve(base, path));
      const uri = fileUri(paths[0] ?? resolve(path));
      return await firstFound(
        [...new Set(paths)],
        uri,
        async (folder) => await readCertificateFolder(folder, uri),
      );
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(uri: string, limit: number, options?: CallOptions): Promise<Content> {
    return await this.#run(uri, options, async () => {
      if (uriScheme(uri) === "data") return { bytes: inlineData(uri, limit), place: { uri } };
      return await firstFound(this.#paths(uri), uri, async (path) => {
        return { bytes: await readFile({ path, limit, uri }), place: { uri, file: path } };
      });
    });
  }

  /** Absolute paths that the URI may mean, in the order to try them. */
  #paths(uri: string): readonly string[] {
    const { path, relative } = parseFileUri(uri);
    return relative ? this.#bases.map((base) => resolve(base, path)) : [path];
  }

  /** Every call goes through here: none begins after close, and close waits for those under way. */
  async #run<T>(uri: string, options: CallOptions | undefined, work: () => Promise<T>): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    if (this.#closed) throw new CredentialError("CLOSED", "the file backend is closed", { uri });
    return await abortable(async () => await this.#tracked(work()), uri, options?.signal);
  }

  async #tracked<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

async function exposureOf(path: string, uri: string): Promise<FileExposure> {
  try {
    const { mode } = await stat(path);
    return {
      mode: mode & 0o7777,
      readableByOthers: (mode & 0o044) !== 0,
      writableByOthers: (mode & 0o022) !== 0,
    };
  } catch (error) {
    throw await fileFault(error, path, uri);
  }
}

function inlineData(uri: string, limit: number): Uint8Array {
  const { bytes } = parseDataUri(uri);
  if (bytes.length === 0) throw new CredentialError("FILE_EMPTY", "the data: URI holds nothing", { uri });
  if (bytes.length <= limit) return bytes;
  const text = `the data: URI holds ${bytes.length} bytes; at most ${limit} are read`;
  throw new CredentialError("FILE_TOO_LARGE", text, { uri });
}
