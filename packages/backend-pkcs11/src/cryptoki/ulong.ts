/** CK_ULONG in the bytes of the module: a long of C, 8 bytes on most platforms, 4 on the others. */

/** Its value; undefined where the bytes are no CK_ULONG. */
export function ulong(bytes: Uint8Array): bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 8) return view.getBigUint64(0, littleEndian);
  return bytes.length === 4 ? BigInt(view.getUint32(0, littleEndian)) : undefined;
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
