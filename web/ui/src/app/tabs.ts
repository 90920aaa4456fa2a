/** The order of the open tabs: ids by rank, as the user state keeps them. Pure. */

export type Ranks = Readonly<Record<string, number>>;

/** The user state takes no more. */
export const MOST_TABS = 200;

/** From the left to the right; equal ranks stand in the order of their ids, on every client. */
export function ordered(tabs: Ranks): readonly string[] {
  return Object.entries(tabs)
    .sort(([a, rankA], [b, rankB]) => rankA - rankB || (a < b ? -1 : 1))
    .map(([id]) => id);
}

/** What opening one changes: it goes to the end. Beyond the most that there may be, the leftmost is closed. */
export function opening(tabs: Ranks, id: string): Record<string, number | null> {
  if (id in tabs) return {};
  const order = ordered(tabs);
  const last = order.at(-1);
  const change: Record<string, number | null> = { [id]: last === undefined ? 1 : Math.floor(rank(tabs, last)) + 1 };
  for (const closed of order.slice(0, Math.max(0, order.length + 1 - MOST_TABS))) change[closed] = null;
  return change;
}

/** What moving one to `place` (from 0) of the order without it changes. */
export function moving(tabs: Ranks, id: string, place: number): Record<string, number> {
  const others = ordered(tabs).filter((other) => other !== id);
  const at = Math.max(0, Math.min(place, others.length));
  const between = rankBetween(others[at - 1], others[at], tabs);
  if (between !== null) return { [id]: between };
  // The gap is too small for another number: all get new ones.
  return Object.fromEntries(others.toSpliced(at, 0, id).map((each, index) => [each, index + 1]));
}

/** Which tab is shown when one closes: the one that takes its place, else the one before. */
export function neighbour(order: readonly string[], id: string): string | null {
  const at = order.indexOf(id);
  return order[at + 1] ?? order[at - 1] ?? null;
}

/** The tab `step` further on, round and round. */
export function stepped(order: readonly string[], id: string | null, step: 1 | -1): string | null {
  if (order.length === 0) return null;
  const at = id === null ? -1 : order.indexOf(id);
  if (at === -1) return (step === 1 ? order[0] : order.at(-1)) ?? null;
  return order[(at + step + order.length) % order.length] ?? null;
}

function rankBetween(before: string | undefined, after: string | undefined, tabs: Ranks): number | null {
  if (before === undefined) return after === undefined ? 1 : rank(tabs, after) - 1;
  if (after === undefined) return rank(tabs, before) + 1;
  const [low, high] = [rank(tabs, before), rank(tabs, after)];
  const middle = (low + high) / 2;
  return middle > low && middle < high ? middle : null;
}

function rank(tabs: Ranks, id: string): number {
  return tabs[id] ?? 0;
}
