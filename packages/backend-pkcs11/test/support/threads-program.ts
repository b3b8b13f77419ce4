import { isMainThread, Worker, workerData } from "node:worker_threads";

/**
 * A program for tests to start: several threads sign inline with one module, begin and end at different times, and
 * some are ended from outside. `main` has the main thread sign as well, `workers` has it know nothing of the package.
 * Writes `{ good, wrong, failures }` of all.
 */
interface Task {
  readonly module: string;
  readonly uri: string;
  readonly rounds: number;
}

if (isMainThread) {
  const [module = "", uri = "", who = "main"] = process.argv.slice(2);
  const task = { module, uri, rounds: 6 };
  const sum = { good: 0, wrong: 0, failures: [] as string[] };
  const add = (part: typeof sum): void => {
    sum.good += part.good;
    sum.wrong += part.wrong;
    sum.failures.push(...part.failures);
  };
  const mine = who === "main" ? work(task) : undefined;
  // Before the first worker starts, the package is there: what it keeps for all threads comes with it.
  if (who === "main") await import("@ddscred/backend-pkcs11");
  const lives = Array.from({ length: 5 }, async (_, n) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { ...task, rounds: 4 + n } satisfies Task,
    });
    worker.on("message", add);
    if (n === 4) setTimeout(() => void worker.terminate(), 400);
    await new Promise((resolve) => worker.once("exit", resolve));
  });
  if (mine !== undefined) add(await mine);
  await Promise.all(lives);
  process.stdout.write(JSON.stringify(sum));
} else {
  const { parentPort } = await import("node:worker_threads");
  parentPort?.postMessage(await work(workerData as Task), []);
}

async function work({ module, uri, rounds }: Task) {
  const { pkcs11Backend } = await import("@ddscred/backend-pkcs11");
  const { signatureSchemes, webCrypto } = await import("@ddscred/core");
  const made = { good: 0, wrong: 0, failures: [] as string[] };
  for (let round = 0; round < rounds; round++) {
    const backend = pkcs11Backend({ module, isolation: "inline" });
    try {
      const signer = await backend.signer(uri);
      const signing = Array.from({ length: 40 }, async (_, n) => {
        const message = Buffer.from(`${round}/${n}`);
        const signature = await signer.sign(signatureSchemes.ecdsa_p256_sha256, message);
        const isGood = await webCrypto().verify(
          signer.publicKey,
          signatureSchemes.ecdsa_p256_sha256,
          message,
          signature,
        );
        made[isGood ? "good" : "wrong"]++;
      });
      await Promise.all(signing);
    } catch (error) {
      made.failures.push(String(error));
    }
    await backend.close();
  }
  return made;
}
