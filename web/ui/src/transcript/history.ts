/** What the transcript reads a branch by: positions from 1, some of which are not loaded yet. */

import { useEffect, useMemo, useState } from "react";
import type { History, Message, Snapshot } from "@parley/client";
import { perFrame } from "../lib/frames";

export interface BranchHistory {
  /** Names the branch as it is counted: under another key, positions mean other messages. */
  readonly key: string;
  /** How many messages there are; those at the end are always loaded. */
  readonly length: number;
  readonly at: (position: number) => Message | undefined;
  /** Asks for what is missing from … to. What comes makes another history. */
  readonly want: (from: number, to: number) => void;
}

type Store = Pick<History, "at" | "want" | "changes">;

/** Another object whenever what it gives may be another. */
export function useBranchHistory(store: Store, snapshot: Snapshot): BranchHistory {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const { request, cancel } = perFrame(() => setVersion((before) => before + 1));
    const unsubscribe = store.changes.listen(request);
    return () => {
      unsubscribe();
      cancel();
    };
  }, [store]);
  return useMemo(() => branchHistory(store, snapshot, version), [store, snapshot, version]);
}

function branchHistory(store: Store, { session, epoch, activeBranch }: Snapshot, version: number) {
  return {
    key: `${epoch} ${activeBranch}`,
    version,
    length: session.messageCount,
    at: (position: number) => store.at(position),
    want: (from: number, to: number) => store.want(from, to),
  };
}
