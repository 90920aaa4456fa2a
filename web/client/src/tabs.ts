/** The order of tabs by rank: a tab that moves gets one rank, the others keep theirs. Pure. */

import type { UserState } from "./wire.ts";

type Tabs = UserState["tabs"];

/** A rank between two neighbours; null where there is none. */
export function rankBetween(before: number | null, after: number | null): number {
  if (before === null) return after === null ? 0 : after - 1;
  return after === null ? before + 1 : before + (after - before) / 2;
}

/** The ids in their order: by rank, those of equal rank by id. */
export function sortedTabs(tabs: Tabs): readonly string[] {
  const ranked = Object.entries(tabs);
  return ranked.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([id]) => id);
}

/** The ranks to write so that a tab, new or known, stands at `index` among the others: as a rule one, all of them when
 * no number is left between its neighbours. */
export function placedTab(tabs: Tabs, id: string, index: number): Readonly<Record<string, number>> {
  const others = sortedTabs(tabs).filter((each) => each !== id);
  const at = Math.max(0, Math.min(index, others.length));
  const [before, after] = [rankAt(tabs, others[at - 1]), rankAt(tabs, others[at])];
  const rank = rankBetween(before, after);
  const fits = Number.isFinite(rank) && (before === null || before < rank) && (after === null || rank < after);
  if (fits) return { [id]: rank };
  return Object.fromEntries(others.toSpliced(at, 0, id).map((each, place) => [each, place]));
}

function rankAt(tabs: Tabs, id: string | undefined): number | null {
  return id === undefined ? null : (tabs[id] ?? null);
}
