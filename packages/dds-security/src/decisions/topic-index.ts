import type { Expression } from "./expression.ts";

/**
 * Items in their order, by the patterns of topics that lead to them: literal topics are looked up, only patterns
 * are tried one by one. The order of the document is kept, so that the first match can decide.
 */
export class TopicIndex<T> {
  readonly #literal = new Map<string, number[]>();
  readonly #patterns: { readonly order: number; readonly expression: Expression }[] = [];
  readonly #items: T[] = [];

  add(expressions: readonly Expression[], item: T): void {
    const order = this.#items.push(item) - 1;
    for (const expression of expressions) {
      if (!expression.literal) this.#patterns.push({ order, expression });
      else {
        const orders = this.#literal.get(expression.text);
        if (orders === undefined) this.#literal.set(expression.text, [order]);
        else if (orders.at(-1) !== order) orders.push(order);
      }
    }
  }

  /** All items that the topic leads to, in their order. */
  all(topic: string): readonly T[] {
    const literal = this.#literal.get(topic) ?? NONE;
    const matching = this.#patterns.filter(({ expression }) => expression.matches(topic));
    const orders =
      matching.length === 0
        ? literal
        : [...new Set([...literal, ...matching.map(({ order }) => order)])].sort((a, b) => a - b);
    const items: T[] = [];
    for (const order of orders) {
      const item = this.#items[order];
      if (item !== undefined) items.push(item);
    }
    return items;
  }

  /** The first item that the topic leads to. */
  first(topic: string): T | undefined {
    let first = this.#literal.get(topic)?.[0] ?? Number.POSITIVE_INFINITY;
    for (const { order, expression } of this.#patterns) {
      if (order >= first) break;
      if (expression.matches(topic)) first = order;
    }
    return this.#items[first];
  }
}

const NONE: readonly number[] = [];
