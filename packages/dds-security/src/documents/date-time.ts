import type { Located } from "./walk.ts";

/** A moment as a permissions document writes it. */
export interface DocumentTime extends Located<Date> {
  /** As written: implementations differ in how they read zones and far years. */
  readonly text: string;
  /** Whether the text names its zone; without one it means UTC (DDS-Security 10.4.1.5.3.3). */
  readonly zone: boolean;
}

/**
 * xs:dateTime (XML Schema 2, 3.2.7): `2020-01-31T23:59:59`, with an optional fraction and an optional zone.
 * 24:00:00 is the first moment of the next day; there are no leap seconds. Fractions beyond the millisecond
 * are cut off. Undefined where the text is none, or beyond what a Date can hold.
 */
export function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Six;
  const fraction = match[7] ?? "";
  const endOfDay = hour === 24 && minute === 0 && second === 0 && !/[1-9]/.test(fraction);
  if (year === 0 || (hour > 23 && !endOfDay) || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have has moved the date into another month.
  if (month < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = zoneMinutes(match[8]);
  if (offset === undefined) return undefined;
  date.setUTCHours(hour, minute, second, Number(fraction.slice(0, 3).padEnd(3, "0")));
  const moment = new Date(date.getTime() - offset * 60_000);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** Whether the text names a zone. */
export const hasZone = (text: string): boolean => /(?:Z|[+-]\d\d:\d\d)$/.test(text);

/** Minutes east of UTC, at most 14 hours. */
function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  const total = hours * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET) return undefined;
  return zone.startsWith("-") ? -total : total;
}

type Six = [number, number, number, number, number, number];
const MAX_OFFSET = 14 * 60;
const DATE_TIME =
  /^(-?(?:[1-9]\d{4,8}|\d{4}))-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/;
