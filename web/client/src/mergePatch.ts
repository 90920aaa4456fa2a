/** Merge patches (RFC 7396) of the user's state, and what becomes of two in a row. Pure. */

import type { UserState, UserStatePatch } from "./wire.ts";

type Tree = Readonly<Record<string, unknown>>;

/** As a server without anything written answers. */
export const DEFAULT_STATE: UserState = {
  version: 0,
  updatedAtUtc: null,
  activeSessions: [],
  tabs: {},
  lastSessionId: null,
  ui: {},
  preferences: {
    theme: "system",
    fontSize: "medium",
    language: "auto",
    defaultModel: null,
    approvalPolicy: "default",
    sendKey: "enter",
    notifications: false,
  },
};

/** The state with a patch in it. A section or preference that is taken away goes back to its default. */
export function patched(state: UserState, patch: UserStatePatch): UserState {
  const merged: Partial<UserState> = mergedTree(state, patch);
  const preferences = { ...DEFAULT_STATE.preferences, ...merged.preferences };
  return { ...DEFAULT_STATE, ...merged, preferences };
}

/** One patch that does what `first` and then `second` do. */
export function inOne(first: UserStatePatch, second: UserStatePatch): UserStatePatch {
  return composed(first, second);
}

function mergedTree(target: Tree, patch: Tree): Tree {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) Reflect.deleteProperty(merged, key);
    else merged[key] = isTree(value) ? mergedTree(treeOf(merged[key]), value) : value;
  }
  return merged;
}

/** Unlike merging into a value, a null stays: it takes away what may be there. */
function composed(first: Tree, second: Tree): Tree {
  const both: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    const before = both[key];
    both[key] = isTree(value) && isTree(before) ? composed(before, value) : value;
  }
  return both;
}

function treeOf(value: unknown): Tree {
  return isTree(value) ? value : {};
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
