/** Dates and numbers as the reader's language writes them. `locale` is `texts.common.locale`. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Making one costs more than using it a thousand times. */
const made = new Map<string, unknown>();

function once<T>(key: string, make: () => T): T {
  const known = made.get(key);
  if (known !== undefined) return known as T;
  const fresh = make();
  made.set(key, fresh);
  return fresh;
}

function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return once(`${locale} ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(locale, options));
}

export function number(value: number, locale: string): string {
  return once(`${locale} number`, () => new Intl.NumberFormat(locale)).format(value);
}

/** 14:05 */
export function clock(iso: string, locale: string): string {
  return dates(locale, { hour: "2-digit", minute: "2-digit" }).format(new Date(iso));
}

/** Day and time in full, as a tooltip says it. */
export function fullTime(iso: string, locale: string): string {
  return dates(locale, { dateStyle: "full", timeStyle: "medium" }).format(new Date(iso));
}

/** March 2026 */
export function monthName(at: Date, locale: string): string {
  return dates(locale, { month: "long", year: "numeric" }).format(at);
}

/** As short as a list allows: “5 min”, “3 h”, then the day. */
export function age(iso: string, locale: string, now: number): string {
  const at = new Date(iso);
  const passed = now - at.getTime();
  if (passed < MINUTE_MS) return relative(0, "second", locale);
  if (passed < HOUR_MS) return units(Math.floor(passed / MINUTE_MS), "minute", locale);
  if (passed < DAY_MS) return units(Math.floor(passed / HOUR_MS), "hour", locale);
  const sameYear = at.getFullYear() === new Date(now).getFullYear();
  return dates(locale, sameYear ? { day: "numeric", month: "short" } : { year: "numeric", month: "short" }).format(at);
}

/** “now” and its like */
function relative(value: number, unit: Intl.RelativeTimeFormatUnit, locale: string): string {
  return once(`${locale} relative`, () => new Intl.RelativeTimeFormat(locale, { numeric: "auto" })).format(value, unit);
}

function units(value: number, unit: "minute" | "hour", locale: string): string {
  const options = { style: "unit", unit, unitDisplay: "short" } as const;
  return once(`${locale} ${unit}`, () => new Intl.NumberFormat(locale, options)).format(value);
}
