import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

export interface ThreadMemory {
  /** Zeros at first. */
  readonly buffer: SharedArrayBuffer;
  /** False in a thread that inherited none: it does not know of others like it. */
  readonly isComplete: boolean;
}

/**
 * Memory that the threads of this process have in common: those which were started after this package was loaded
 * in the main thread, or in the thread that started them. What a module keeps (whether it is initialised, who is
 * logged in) belongs to the process, while each thread loads this package for itself.
 */
export function threadMemory(name: string, bytes: number): ThreadMemory {
  const key = `@ddscred/backend-pkcs11 1 ${name}`;
  const inherited = getEnvironmentData(key);
  if (inherited instanceof SharedArrayBuffer) return { buffer: inherited, isComplete: true };
  const buffer = new SharedArrayBuffer(bytes);
  setEnvironmentData(key, buffer);
  return { buffer, isComplete: isMainThread };
}
