import * as fc from "fast-check";

/** Documents at random: arbitraries of XML texts, put together. */
export const text = (value: string): fc.Arbitrary<string> => fc.constant(value);

export const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((each) => each.join(""));

export const element = (name: string, content: fc.Arbitrary<string>, attributes = ""): fc.Arbitrary<string> =>
  content.map((inner) => `<${name}${attributes}>${inner}</${name}>`);

export const several = (
  each: fc.Arbitrary<string>,
  minLength: number,
  maxLength: number,
): fc.Arbitrary<string> => fc.array(each, { minLength, maxLength }).map((list) => list.join(""));

/** Mostly the first. */
export const mostly = (usual: string, ...others: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 30, arbitrary: text(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
