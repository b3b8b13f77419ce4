import { CredentialError } from "@ddscred/core";
import t from "tap";
import type { Handle } from "../dist/cryptoki/module.js";
import { type LentSession, type SessionMaker, SessionPool } from "../dist/token/session-pool.js";
import { failure } from "./support/failure.ts";

/** Sessions with numbers, from 1. */
class Maker implements SessionMaker {
  opened = 0;
  readonly closed: number[] = [];
  refusal: "CKR_SESSION_COUNT" | "CKR_DEVICE_REMOVED" | undefined;
  /** How many may be open. */
  room = Number.POSITIVE_INFINITY;
  lent: LentSession | undefined;
  takenBack = 0;

  async open(): Promise<Handle> {
    await settled();
    const isFull = this.opened - this.closed.length >= this.room;
    const rv = this.refusal ?? (isFull ? "CKR_SESSION_COUNT" : undefined);
    if (rv === "CKR_DEVICE_REMOVED") throw new CredentialError("TOKEN_REMOVED", "no session", { rv });
    if (rv !== undefined) throw new CredentialError("SESSION_LOST", "no session", { rv });
    return Uint8Array.of(++this.opened);
  }

  async close(session: Handle): Promise<void> {
    this.closed.push(session[0] ?? 0);
  }

  async lend(): Promise<LentSession | undefined> {
    return this.lent;
  }

  takeBack(): void {
    this.takenBack++;
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

t.test(
  "who writes takes the place of a session that is idle, or of the next that is given back",
  async (t) => {
    const maker = new Maker();
    maker.room = 2;
    const pool = new SessionPool(maker, 2);
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    pool.release(first);
    const writer = await pool.acquireForWriting();
    t.same(maker.closed, [1]);
    const other = pool.acquireForWriting();
    await settled();
    const reader = pool.acquire();
    pool.release(second);
    t.same([...(await other)], [4]);
    t.same(maker.closed, [1, 2]);
    await pool.giveBack(writer);
    t.same([...(await reader)], [5], "after that, a session for reading is made again");
  },
);

t.test("where no session can be had, the one that stays is lent, to one at a time", async (t) => {
  const maker = new Maker();
  maker.room = 0;
  const stays = Uint8Array.of(99);
  maker.lent = { session: stays, writes: false };
  const pool = new SessionPool(maker, 4);
  let inUse = 0;
  const uses = [1, 2, 3, 4].map(() =>
    pool.use(async (session) => {
      t.equal(session, stays);
      t.equal(++inUse, 1);
      await settled();
      inUse--;
    }),
  );
  await Promise.all(uses);
  t.ok(pool.isLending);
});

t.test(
  "the session that stays is not closed for a call that failed, unless that is under way still",
  async (t) => {
    for (const [rv, isClosed] of [
      ["CKR_MECHANISM_INVALID", false],
      ["CKR_OPERATION_ACTIVE", true],
    ] as const) {
      const maker = new Maker();
      const pool = new SessionPool(maker, 1);
      pool.lend({ session: Uint8Array.of(99), writes: true });
      await failure(
        pool.use(async () => {
          throw new CredentialError("TOKEN_ERROR", "failed", { rv });
        }),
      );
      await settled();
      t.same(maker.closed, isClosed ? [99] : [], rv);
    }
  },
);

t.test(
  "who writes gets the session that stays where that writes; else it makes room, or says why not",
  async (t) => {
    const refusal = new CredentialError("TOKEN_READ_ONLY", "no session for writing");
    for (const [writes, outcome] of [
      [true, 99],
      [false, "SESSION_LOST"],
      [refusal, "TOKEN_READ_ONLY"],
    ] as const) {
      const maker = new Maker();
      maker.room = 0;
      const pool = new SessionPool(maker, 1);
      pool.lend({ session: Uint8Array.of(99), writes });
      const got = await pool.acquireForWriting().then(
        ([number]) => number,
        (error: CredentialError) => error.code,
      );
      t.equal(got, outcome);
      t.same(maker.closed, writes === false ? [99] : []);
    }
  },
);

t.test("the session that stays is taken back when the token has room again", async (t) => {
  const maker = new Maker();
  maker.room = 0;
  maker.lent = { session: Uint8Array.of(99), writes: false };
  const pool = new SessionPool(maker, 4);
  const stays = await pool.acquire();
  maker.room = 1;
  const another = await pool.acquire();
  pool.release(stays);
  t.equal(maker.takenBack, 1);
  t.notOk(pool.isLending);
  pool.release(another);
  t.equal(await pool.acquire(), another);
});

t.test("a limit that falls closes what is above it, as soon as nobody uses it", async (t) => {
  const maker = new Maker();
  const pool = new SessionPool(maker, 3);
  const [first, second, third] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  pool.release(first);
  pool.limit = 1;
  t.same(maker.closed, [1]);
  pool.release(second);
  pool.release(third);
  await settled();
  t.same(maker.closed, [1, 2]);
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
