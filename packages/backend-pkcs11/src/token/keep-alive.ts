/** Makes a call from time to time, one at a time. It keeps no process from ending. */
export class KeepAlive {
  readonly #timer: NodeJS.Timeout;
  #underWay: Promise<void> | undefined;

  /** @param call does not reject */
  constructor(milliseconds: number, call: () => Promise<void>) {
    this.#timer = setInterval(() => {
      this.#underWay ??= call().finally(() => {
        this.#underWay = undefined;
      });
    }, milliseconds).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#underWay;
  }
}
