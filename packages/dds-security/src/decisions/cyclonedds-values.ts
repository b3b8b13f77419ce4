import type { Located } from "../documents/walk.ts";
import type { CycloneElement } from "./cyclonedds-xml.ts";

/** As strtoll reads it (decimal, 0x hexadecimal, 0 octal), cut to 32 bits; empty is 0. */
export function readDomain(element: CycloneElement): number {
  const text = element.text()?.value ?? "0";
  const [, sign = "", digits = ""] =
    /^([+-]?)(0x[0-9a-f]{1,16}|0[0-7]{0,20}|[1-9][0-9]{0,17})$/i.exec(text) ?? [];
  if (digits === "") throw element.invalid("it is no domain id");
  const octal = /^0[0-7]+$/.test(digits);
  const number = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const id = Number(BigInt.asIntN(32, sign === "-" ? -number : number));
  if (id < 0 || id > 230) throw element.invalid("a domain id is a number from 0 to 230");
  return id;
}

/** Empty is false. */
export function readBoolean(element: CycloneElement): Located<boolean> {
  const { value, location } = element.text() ?? { value: "false", location: element.location };
  if (/^(?:true|1)$/i.test(value)) return { value: true, location };
  if (/^(?:false|0)$/i.test(value)) return { value: false, location };
  throw element.invalid("it is neither true nor false");
}

/** Empty is the strongest kind. */
export function readKind<Kind extends string>(
  element: CycloneElement,
  kinds: readonly [Kind, ...Kind[]],
): Located<Kind> {
  const text = element.text();
  const kind = text === undefined ? (kinds.at(-1) ?? kinds[0]) : kinds.find((each) => each === text.value);
  if (kind === undefined) throw element.invalid(`it is none of ${kinds.join(", ")}`);
  return { value: kind, location: text?.location ?? element.location };
}
