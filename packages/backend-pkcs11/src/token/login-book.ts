import type { Secret, TokenInfo } from "@ddscred/core";
import { pinMark } from "./pin-table.ts";

/**
 * Who is logged in on the tokens of one module. Cryptoki logs in a process, not a session or a user of this
 * package: so the users of one module share a page for each token, take turns on it, and the last one out
 * logs out.
 */
export class LoginBook {
  readonly #pages = new Map<string, LoginPage>();

  page(token: TokenInfo): LoginPage {
    const key = JSON.stringify([String(token.slotId), token.serialNumber, token.label]);
    const page = this.#pages.get(key) ?? new LoginPage(token);
    this.#pages.set(key, page);
    return page;
  }
}

export class LoginPage {
  readonly #token: TokenInfo;
  readonly #users = new Set<object>();
  #turn: Promise<unknown> = Promise.resolve();
  #turnToAsk: Promise<unknown> = Promise.resolve();
  #turnToWrite: Promise<unknown> = Promise.resolve();
  /** Of the PIN that logged in; undefined where nobody did, or another library in the process. */
  #mark: string | undefined;

  constructor(token: TokenInfo) {
    this.#token = token;
  }

  /** One at a time: a login, or the decision not to log in. */
  async inTurn<T>(step: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(step, step);
    this.#turn = mine;
    return await mine;
  }

  /** One at a time: asking for a PIN that is not for a login. */
  async inTurnToAsk<T>(step: () => Promise<T>): Promise<T> {
    const mine = this.#turnToAsk.then(step, step);
    this.#turnToAsk = mine;
    return await mine;
  }

  /** One at a time: writing on the token. Whoever looks for a free name keeps it. */
  async inTurnToWrite<T>(step: () => Promise<T>): Promise<T> {
    const mine = this.#turnToWrite.then(step, step);
    this.#turnToWrite = mine;
    return await mine;
  }

  /** Whether a PIN opens the token, judged without asking it; undefined where that is not known. */
  opens(pin: Secret): boolean | undefined {
    return this.#mark === undefined ? undefined : this.#mark === pinMark(this.#token, pin);
  }

  /** @param pin with which we logged in; undefined where somebody else had */
  enter(user: object, pin: Secret | undefined): void {
    this.#users.add(user);
    if (pin !== undefined) this.#mark = pinMark(this.#token, pin);
  }

  /** The login is gone, by itself. */
  forget(): void {
    this.#mark = undefined;
    this.#users.clear();
  }

  /** @returns whether the user must log out: it was the last one, and the login is ours */
  leave(user: object): boolean {
    if (!this.#users.delete(user) || this.#users.size > 0) return false;
    const ours = this.#mark !== undefined;
    this.#mark = undefined;
    return ours;
  }
}
