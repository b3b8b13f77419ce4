import { Secret } from "@ddscred/core";
import type { BorrowedModule, Handle, Module, SignRequest } from "../cryptoki/module.ts";
import { borrowModule } from "../inline/registry.ts";
import { type Answer, packed, type Request, START, type Start, toWire } from "./protocol.ts";

/** Answers the parent's requests with the module at a path. The first message says with what it is started. */
export async function serve(path: string): Promise<void> {
  const { parameters } = await new Promise<Start>((resolve) => process.once("message", resolve));
  try {
    const borrowed = await borrowModule(path, parameters);
    process.on("message", (requests: readonly Request[]) => {
      for (const request of requests) void answer(borrowed, request);
    });
    reply([START, undefined]);
  } catch (error) {
    reply([START, null, toWire(error)]);
  }
}

async function answer(borrowed: BorrowedModule, request: Request): Promise<void> {
  const [id, method] = request;
  if (method === "end") return await end(borrowed);
  try {
    reply([id, await run(borrowed.module, request)]);
  } catch (error) {
    reply([id, null, toWire(error)]);
  }
}

async function run(module: Module, [, method, ...args]: Request): Promise<unknown> {
  if (method === "sign") {
    const [session, request] = args as [Handle, Omit<SignRequest, "pin"> & { pin?: string }];
    const { pin, ...rest } = request;
    return await module.sign(session, pin === undefined ? rest : { ...rest, pin: new Secret(pin) });
  }
  if (method === "login") {
    const [session, pin] = args as [Handle, string];
    return await module.login(session, new Secret(pin));
  }
  if (method === "find") return packed(await module.find(...(args as Parameters<Module["find"]>)));
  return await Reflect.apply(module[method as keyof Module] as () => Promise<unknown>, module, args);
}

async function end(borrowed: BorrowedModule): Promise<void> {
  await borrowed.release().catch(() => undefined); // a module whose token is gone cannot finalise well
  process.exit();
}

/** Sends what was answered in this turn as one message. */
function reply(answer: Answer): void {
  if (outbox.push(answer) > 1) return;
  process.nextTick(() => process.send?.(outbox.splice(0), undefined, undefined, () => undefined));
}

const outbox: Answer[] = [];
