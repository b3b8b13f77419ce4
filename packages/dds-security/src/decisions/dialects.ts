import { cyclonedds } from "./cyclonedds.ts";
import type { Dialect, DialectName } from "./dialect.ts";
import { fastdds } from "./fastdds.ts";
import { spec } from "./spec.ts";

/** @throws TypeError for a name that is none */
export function dialectOf(name: DialectName): Dialect {
  const dialect = [spec, cyclonedds, fastdds].find((candidate) => candidate.name === name);
  if (dialect === undefined) throw new TypeError("dialect is one of spec, cyclonedds, fastdds");
  return dialect;
}
