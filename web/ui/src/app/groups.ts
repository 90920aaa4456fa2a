/** Sessions under the headings of a list: by day while they are recent, then by month. Pure. */

export interface Group<T> {
  /** `today`, `yesterday`, `week`, or the first day of a month. */
  readonly heading: "today" | "yesterday" | "week" | Date;
  readonly key: string;
  readonly items: readonly T[];
}

const DAYS_OF_A_WEEK = 7;

/** Keeps the order of the items: a heading comes again if its items are not together. */
export function grouped<T>(items: readonly T[], timeOf: (item: T) => string, now: Date): readonly Group<T>[] {
  const groups: { heading: Group<T>["heading"]; key: string; items: T[] }[] = [];
  for (const item of items) {
    const heading = headingOf(new Date(timeOf(item)), now);
    const name = heading instanceof Date ? `${heading.getFullYear()}-${heading.getMonth()}` : heading;
    const last = groups.at(-1);
    if (last?.key.startsWith(`${name}#`)) last.items.push(item);
    else groups.push({ heading, key: `${name}#${groups.length}`, items: [item] });
  }
  return groups;
}

function headingOf(at: Date, now: Date): Group<unknown>["heading"] {
  const days = daysBetween(at, now);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days <= DAYS_OF_A_WEEK) return "week";
  return new Date(at.getFullYear(), at.getMonth(), 1);
}

/** In calendar days of the reader's place: a day of 23 or 25 hours is one too. */
function daysBetween(from: Date, to: Date): number {
  const day = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (day(to) - day(from)) / 86_400_000;
}
