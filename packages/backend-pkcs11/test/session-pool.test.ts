import { CredentialError } from "@ddscred/core";
import t from "tap";
import type { Handle } from "../dist/cryptoki/module.js";
import { type SessionMaker, SessionPool } from "../dist/token/session-pool.js";
import { failure } from "./support/failure.ts";

/** Sessions with numbers, from 1. */
class Maker implements SessionMaker {
  opened = 0;
  readonly closed: number[] = [];
  refusal: "CKR_SESSION_COUNT" | "CKR_DEVICE_REMOVED" | undefined;

  async open(): Promise<Handle> {
    await settled();
    const rv = this.refusal;
    if (rv === "CKR_DEVICE_REMOVED") throw new CredentialError("TOKEN_REMOVED", "no session", { rv });
    if (rv !== undefined) throw new CredentialError("SESSION_LOST", "no session", { rv });
    return Uint8Array.of(++this.opened);
  }

  async close(session: Handle): Promise<void> {
    this.closed.push(session[0] ?? 0);
  }
}

t.test("no more sessions are opened than the limit; who finds none free waits in line", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 2);
  const order: number[] = [];
  const gates = Array.from({ length: 6 }, () => gate());
  const uses = gates.map(({ opened }, n) =>
    pool.use(async () => {
      order.push(n);
      await opened;
    }),
  );
  for (const { open } of gates) {
    await settled();
    open();
  }
  await Promise.all(uses);
  t.same(order, [0, 1, 2, 3, 4, 5]);
  t.equal(maker.opened, 2);
});

t.test("a session never carries two operations at once", async (t) => {
  const pool = new SessionPool(new Maker(), 3);
  const busy = new Set<Handle>();
  await Promise.all(
    Array.from({ length: 100 }, () =>
      pool.use(async (session) => {
        t.notOk(busy.has(session));
        busy.add(session);
        await settled();
        busy.delete(session);
      }),
    ),
  );
});

t.test("a session that failed within an operation is closed, and one who waits gets a new one", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 1);
  const failing = pool.use(async () => {
    await settled();
    throw new CredentialError("TOKEN_ERROR", "failed", { rv: "CKR_DATA_INVALID" });
  });
  const waiting = pool.use(async (session) => session);
  t.equal((await failure(failing)).code, "TOKEN_ERROR");
  t.same([...(await waiting)], [2]);
  t.same(maker.closed, [1]);
});

t.test("where no session can be opened any more, all who wait learn it", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 1);
  const failing = pool.use(async () => {
    await settled();
    maker.refusal = "CKR_DEVICE_REMOVED";
    throw new CredentialError("TOKEN_REMOVED", "failed", { rv: "CKR_DEVICE_REMOVED" });
  });
  const waiting = [1, 2, 3].map(() => pool.use(async () => undefined));
  for (const use of [failing, ...waiting]) t.equal((await failure(use)).code, "TOKEN_REMOVED");
});

t.test("a token that has fewer sessions than it said limits the pool to those", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 4);
  const first = await pool.acquire();
  maker.refusal = "CKR_SESSION_COUNT";
  const waiting = pool.acquire();
  await settled();
  pool.release(first);
  t.equal(await waiting, first);
});

t.test("a token that has no session at all is an error", async (t) => {
  const maker = new Maker();
  maker.refusal = "CKR_SESSION_COUNT";
  t.match(await failure(new SessionPool(maker, 4).acquire()), { rv: "CKR_SESSION_COUNT" });
});

t.test("who waits may give up, and does not get a session later", async (t) => {
  const pool = new SessionPool(new Maker(), 1);
  const session = await pool.acquire();
  const controller = new AbortController();
  const waiting = failure(pool.acquire(controller.signal));
  controller.abort();
  t.equal((await waiting).code, "ABORTED");
  pool.release(session);
  t.equal(pool.take(), session);
});

t.test("who gives up while a session is opened for it leaves that session to others", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 1);
  const first = await pool.acquire();
  const controller = new AbortController();
  const waiting = failure(pool.acquire(controller.signal));
  pool.discard(first);
  await Promise.resolve();
  controller.abort();
  t.equal((await waiting).code, "ABORTED");
  for (let n = 0; n < 5; n++) await settled();
  const next = await pool.acquire();
  t.same([...next], [2]);
  pool.release(next);
  t.equal(maker.opened, 2);
});

t.test("who waits is served in line, also by a session in the place of one that failed", async (t) => {
  const pool = new SessionPool(new Maker(), 2);
  const [first, second] = [await pool.acquire(), await pool.acquire()];
  const order: number[] = [];
  const waiting = [0, 1, 2].map((n) => pool.acquire().then((session) => (order.push(n), session)));
  pool.discard(first);
  pool.release(second);
  for (let n = 0; n < 5; n++) await settled();
  t.same(order, [0, 1]);
  pool.release(await (waiting[0] as Promise<Handle>));
  await Promise.all(waiting);
  t.same(order, [0, 1, 2]);
});

t.test("closing closes the free sessions at once and the others when they are given back", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 2);
  const [free, lent] = [await pool.acquire(), await pool.acquire()];
  pool.release(free);
  await pool.close();
  t.same(maker.closed, [1]);
  pool.release(lent);
  await settled();
  t.same(maker.closed, [1, 2]);
});

t.test("who waits when the pool closes, or asks afterwards, gets no session and learns it", async (t) => {
  const pool = new SessionPool(new Maker(), 2);
  const [lent, free] = [await pool.acquire(), await pool.acquire()];
  const waiting = failure(pool.acquire());
  const closing = pool.close();
  t.match(await waiting, { code: "SESSION_LOST", retryable: true });
  t.match(await failure(pool.acquire()), { code: "SESSION_LOST", retryable: true });
  for (const session of [lent, free]) pool.release(session);
  await closing;
});

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
