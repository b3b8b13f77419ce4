import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const KEY = "@ddscred/backend-pkcs11 1";
const PLACES = 256;
const NUMBERS = 3;

/**
 * Memory that the threads of this process have in common: those which were started after this package was loaded
 * in the main thread, or in the thread that started them. What a module keeps (whether it is initialised, who is
 * logged in) belongs to the process, while each thread loads this package for itself.
 */
export const threadMemory = shared();

/** Numbers for one name; two names may have to share them. */
export function sharedNumbers(name: string): Int32Array {
  let place = 0;
  for (const unit of name) place = (place * 31 + (unit.codePointAt(0) ?? 0)) % PLACES;
  return threadMemory.numbers.subarray(place * NUMBERS, (place + 1) * NUMBERS);
}

function shared(): { readonly numbers: Int32Array; readonly isComplete: boolean } {
  const inherited = getEnvironmentData(KEY);
  if (inherited instanceof Int32Array) return { numbers: inherited, isComplete: true };
  const numbers = new Int32Array(new SharedArrayBuffer(PLACES * NUMBERS * Int32Array.BYTES_PER_ELEMENT));
  setEnvironmentData(KEY, numbers);
  // A thread that inherited none does not know of others like it.
  return { numbers, isComplete: isMainThread };
}
