import { type DocumentTime, hasZone } from "../documents/date-time.ts";
import type { Located } from "../documents/walk.ts";

/**
 * A time as Fast DDS reads it: `2030-01-31T23:59:59` of the local clock of the host without summer time, whatever
 * stands behind the seconds. Undefined where it is none. The host is the one on which this runs.
 */
export function readFastTime({ value: text, location }: Located<string>): DocumentTime | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
    return undefined;
  }
  const utc = new Date(0);
  utc.setUTCFullYear(year, month - 1, day);
  utc.setUTCHours(hour, minute, second);
  return {
    value: new Date(utc.getTime() + standardOffset(year) * 60_000),
    text,
    zone: hasZone(text),
    location,
  };
}

/** Minutes west of UTC when no summer time is. */
const standardOffset = (year: number): number =>
  Math.max(new Date(year, 0, 1).getTimezoneOffset(), new Date(year, 6, 1).getTimezoneOffset());

const TIME = /^\s*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)/;
