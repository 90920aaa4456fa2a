/** Coloured code as a flat list of runs: a scope ("keyword", or "" for none) and its text. Pure. */

import type { RootContent } from "hast";

export type Run = readonly [scope: string, text: string];

export interface HighlightJob {
  readonly id: number;
  readonly language: string;
  readonly code: string;
}

export interface HighlightAnswer {
  readonly id: number;
  /** Null: nobody here knows the language. */
  readonly runs: readonly Run[] | null;
}

/** The innermost scope counts. Neighbours of the same scope are one run: fewer elements on the page. */
export function runsOf(nodes: readonly RootContent[]): readonly Run[] {
  const runs: Run[] = [];
  collect(nodes, "", runs);
  return runs;
}

function collect(nodes: readonly RootContent[], scope: string, runs: Run[]): void {
  for (const node of nodes) {
    if (node.type === "text") push(runs, scope, node.value);
    if (node.type === "element") collect(node.children, scopeOf(node.properties["className"]) || scope, runs);
  }
}

function push(runs: Run[], scope: string, text: string): void {
  const last = runs.at(-1);
  if (last?.[0] === scope) runs[runs.length - 1] = [scope, last[1] + text];
  else runs.push([scope, text]);
}

/** `["hljs-title", "function_"]` is title. */
function scopeOf(classes: unknown): string {
  const first: unknown = Array.isArray(classes) ? classes[0] : undefined;
  return typeof first === "string" ? first.replace(/^hljs-/, "") : "";
}
