import type { AbortSignalLike } from "@ddscred/core";

/** An AbortSignalLike and its controller in one; it shows who listens. */
export class Switch implements AbortSignalLike {
  aborted = false;
  readonly listeners = new Set<() => void>();

  addEventListener(_: "abort", listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    const listening = [...this.listeners];
    this.listeners.clear();
    for (const listener of listening) listener();
  }
}
