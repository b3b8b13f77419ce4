import { execFileSync } from "node:child_process";
import { closeSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { module, type TokenFolder } from "./softhsm.ts";

export type FunctionName = keyof typeof functions;

/** What a function does instead of its work. */
export interface Fault {
  readonly does: keyof typeof faults;
  /** For `fail`; for `restart`, how many sessions somebody else opens in the module that is started anew. */
  readonly rv?: number;
  /** How often; default once, -1 for ever. */
  readonly times?: number;
  /** So many calls go well before. */
  readonly after?: number;
}

/** What is changed of the tokens. */
export interface Change {
  /** Object handles have these bits inverted, so that each names another object. */
  readonly exchange?: number;
  /** CK_TOKEN_INFO flags that they have besides their own. */
  readonly flags?: number;
  /** Sessions that may be open. */
  readonly limit?: number;
  /** Whether CK_TOKEN_INFO says that limit. */
  readonly isTold?: boolean;
}

/**
 * A module in front of SoftHSM that counts its calls and does what a table says, in this and in other
 * processes: see `fixtures/table-module.c`.
 */
export class TableModule {
  readonly path: string;
  readonly #file: number;

  /** Compiles it: throws where there is no C compiler. */
  constructor({ path: folder }: TokenFolder) {
    this.path = join(folder, "table.so");
    const source = fileURLToPath(new URL("../../test/fixtures/table-module.c", import.meta.url));
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", this.path, source, "-ldl"], { stdio: "pipe" });
    const file = join(folder, "table");
    writeFileSync(file, Buffer.alloc(4096));
    this.#file = openSync(file, "r+");
    process.env["TABLE_REAL"] = module;
    process.env["TABLE_FILE"] = file;
  }

  fault(name: FunctionName, { does, rv = 0, times = 1, after = 0 }: Fault): void {
    // The kind of fault is written last: it is what sets the row in force.
    this.#write(rowOf(name) + 8, rv, times, after);
    this.#write(rowOf(name) + 4, faults[does]);
  }

  latency(name: FunctionName, milliseconds: number): void {
    this.#write(rowOf(name) + 20, milliseconds);
  }

  change({ exchange = 0, flags = 0, limit = 0, isTold = false }: Change): void {
    this.#write(TOKENS, exchange, flags, limit, Number(isTold));
  }

  /** How often a function was called in any process. */
  count(name: FunctionName): number {
    return this.#read(rowOf(name));
  }

  /** How often each function was called that was called at all. */
  counts(): Partial<Record<FunctionName, number>> {
    const names = Object.keys(functions) as FunctionName[];
    const counted = names.map((name) => [name, this.count(name)] as const);
    return Object.fromEntries(counted.filter(([, calls]) => calls > 0));
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#read(TOKENS + 16);
  }

  /** No faults, no changes, and all counts are 0. */
  reset(): void {
    for (const name of Object.keys(functions) as FunctionName[]) this.#write(rowOf(name), 0, 0, 0, 0, 0, 0);
    this.change({});
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(offset: number, ...numbers: readonly number[]): void {
    const bytes = Buffer.alloc(4 * numbers.length);
    numbers.forEach((number, n) => bytes.writeInt32LE(number | 0, 4 * n));
    writeSync(this.#file, bytes, 0, bytes.length, offset);
  }

  #read(offset: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#file, bytes, 0, 4, offset);
    return bytes.readUInt32LE();
  }
}

/** Places in CK_FUNCTION_LIST (PKCS#11 2.40, pkcs11f.h). */
const functions = {
  C_Initialize: 0,
  C_Finalize: 1,
  C_GetInfo: 2,
  C_GetSlotList: 4,
  C_GetSlotInfo: 5,
  C_GetTokenInfo: 6,
  C_OpenSession: 12,
  C_CloseSession: 13,
  C_GetSessionInfo: 15,
  C_Login: 18,
  C_Logout: 19,
  C_GetAttributeValue: 24,
  C_FindObjectsInit: 26,
  C_FindObjects: 27,
  C_FindObjectsFinal: 28,
  C_DigestInit: 37,
  C_DigestUpdate: 39,
  C_SignInit: 42,
  C_Sign: 43,
} as const;

const faults = { fail: 1, hang: 2, abort: 3, restart: 4 } as const;

const rowOf = (name: FunctionName): number => 24 * functions[name];
const TOKENS = 24 * 68;
