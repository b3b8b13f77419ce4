import type { DocumentTime } from "../documents/date-time.ts";
import { hasZone } from "../documents/date-time.ts";
import type { Located } from "../documents/walk.ts";

/**
 * A time as Cyclone DDS reads it: without zone UTC, offsets up to twelve hours, years 1970 to 2262, no hour 24. What
 * it cannot read is the beginning of time: long ago as not_before, expired as not_after.
 */
export function readCycloneTime({ value: text, location }: Located<string>): DocumentTime {
  return { value: parse(text) ?? new Date(BEGINNING), text, zone: hasZone(text), location };
}

function parse(text: string): Date | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (date.getUTCMonth() !== month - 1 || day === 0) return undefined;
  const fraction = Number(`0.${match[7] ?? "0"}`) * 1000;
  const [sign, hours, minutes] = [match[8], Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (minutes > 59 || hours * 60 + minutes > MAX_OFFSET) return undefined;
  const offset = (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
  const moment = date.getTime() + Math.floor(fraction) - offset * 60_000;
  return moment < 0 || moment > LAST ? undefined : new Date(moment);
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:Z|([+-])(\d\d):(\d\d))?$/;
const MAX_OFFSET = 12 * 60;
/** 2262-04-11T23:47:16.854: what 63 bits of nanoseconds hold. */
const LAST = 9_223_372_036_854;
const BEGINNING = -8_640_000_000_000_000;
