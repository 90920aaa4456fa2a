/** A merge as it is being put together in the dialog, and the request that it becomes. Pure. */

import type { Message } from "@parley/client";

export type Strategy = "append" | "cherry-pick" | "rebase" | "summary";
export type Resolution = "source" | "target";

export interface MergeWish {
  readonly source: string;
  readonly strategy: Strategy;
  /** Of a cherry-pick. */
  readonly picked: readonly Message[];
  readonly summary: string;
  /** Of the branch that a rebase makes; empty: a free one. */
  readonly name: string;
  readonly resolution: Resolution | null;
}

export interface MergeRequest {
  readonly source: string;
  readonly strategy: Strategy;
  readonly messageIds?: readonly string[];
  readonly summary?: string;
  readonly name?: string;
  readonly resolution?: Resolution;
}

export interface MergeAnswer {
  readonly merged: boolean;
  readonly activeBranch: string;
  readonly messages: readonly Message[];
  readonly conflicts: readonly string[];
}

export function requestOf({ source, strategy, picked, summary, name, resolution }: MergeWish): MergeRequest {
  return {
    source,
    strategy,
    ...(strategy === "cherry-pick" ? { messageIds: picked.map(({ id }) => id) } : {}),
    ...(strategy === "summary" ? { summary: summary.trim() } : {}),
    ...(strategy === "rebase" && name.trim() !== "" ? { name: name.trim() } : {}),
    ...(resolution === null ? {} : { resolution }),
  };
}

/** Whether there is something to look at: a cherry-pick of nothing is refused. */
export function canPreview({ strategy, picked }: MergeWish): boolean {
  return strategy !== "cherry-pick" || picked.length > 0;
}

export function readyToMerge(wish: MergeWish, conflicts: readonly string[]): boolean {
  if (conflicts.length > 0 && wish.resolution === null) return false;
  return canPreview(wish) && (wish.strategy !== "summary" || wish.summary.trim() !== "");
}
