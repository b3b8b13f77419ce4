/** Tells a listener. What it throws, or rejects with, is its own affair. */
export function tell<T>(listener: ((news: T) => unknown) | undefined, news: T): void {
  try {
    const answer = listener?.(news);
    if (answer instanceof Promise) answer.catch(() => undefined);
  } catch {
    // what is told does not depend on who listens
  }
}
