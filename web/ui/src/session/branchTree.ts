/** The branches as a tree, each under the one that it was forked from. Pure. */

import type { Branch } from "@parley/client";

export interface TreeRow {
  readonly branch: Branch;
  readonly depth: number;
}

/** In the order in which the paths part: a branch stands under its parent, the earliest fork first. */
export function branchTree(branches: readonly Branch[]): readonly TreeRow[] {
  const known = new Set(branches.map(({ name }) => name));
  const childrenOf = (parent: string | null) =>
    branches
      .filter((branch) => (known.has(branch.parent ?? "") ? branch.parent : null) === parent)
      .sort((one, other) => one.forkedAt - other.forkedAt || compare(one.createdAtUtc, other.createdAtUtc));
  const rows = (parent: string | null, depth: number): readonly TreeRow[] =>
    childrenOf(parent).flatMap((branch) => [{ branch, depth }, ...rows(branch.name, depth + 1)]);
  return rows(null, 0);
}

/** A name that no branch has: the stem with the next number. */
export function freeName(branches: readonly Branch[], stem: string): string {
  const taken = new Set(branches.map(({ name }) => name));
  let number = 2;
  while (taken.has(`${stem} ${number}`)) number += 1;
  return `${stem} ${number}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
