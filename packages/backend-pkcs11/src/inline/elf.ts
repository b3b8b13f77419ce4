import { fstatSync, readSync } from "node:fs";

/**
 * Whether an ELF file ends before what it says of itself, as one does that was not copied to its end. The dynamic
 * linker maps it nevertheless, and the process ends by SIGBUS where it touches what is not there.
 *
 * @param file descriptor of a file that begins as ELF does
 */
export function isCutOff(file: number): boolean {
  const size = fstatSync(file).size;
  const head = Buffer.alloc(64);
  if (readSync(file, head, 0, head.length, 0) < head.length) return true;
  const wide = head[4] === 2;
  const little = head[5] === 1;
  // e_phoff, e_phentsize and e_phnum of the System V ABI.
  const number = (bytes: Buffer, at: number, length: 2 | 4 | 8): number =>
    length === 8
      ? Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
      : little
        ? bytes.readUIntLE(at, length)
        : bytes.readUIntBE(at, length);
  const table = number(head, wide ? 32 : 28, wide ? 8 : 4);
  const each = number(head, wide ? 54 : 42, 2);
  const count = number(head, wide ? 56 : 44, 2);
  if (each < (wide ? 56 : 32) || table + each * count > size) return true;
  const entries = Buffer.alloc(each * count);
  if (readSync(file, entries, 0, entries.length, table) < entries.length) return true;
  for (let at = 0; at < entries.length; at += each) {
    if (number(entries, at, 4) !== PT_LOAD) continue;
    const offset = number(entries, at + (wide ? 8 : 4), wide ? 8 : 4);
    const length = number(entries, at + (wide ? 32 : 16), wide ? 8 : 4);
    if (offset + length > size) return true;
  }
  return false;
}

const PT_LOAD = 1;
