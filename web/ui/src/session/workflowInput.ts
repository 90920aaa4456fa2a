/** What a workflow is given, from what was typed. Pure. */

import type { Json } from "@parley/client";

export interface WorkflowInput {
  readonly name: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
}

export interface Workflow {
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly WorkflowInput[];
  readonly steps: readonly unknown[];
}

export type Typed = Readonly<Record<string, string>>;

/** The defaults, as they would be typed. */
export function startTyped(workflow: Workflow | undefined): Typed {
  const given = (workflow?.inputs ?? []).filter((input) => input.default !== undefined && input.default !== null);
  return Object.fromEntries(given.map((input) => [input.name, asTyped(input.default)]));
}

/** Null while something that is needed is missing, or is no JSON where the default is no text. */
export function inputOf(workflow: Workflow, typed: Typed): Json | null {
  const input: Record<string, unknown> = {};
  for (const each of workflow.inputs) {
    const text = typed[each.name] ?? "";
    if (text.trim() === "") {
      if (each.required) return null;
      continue;
    }
    const value = valueOf(text, each.default);
    if (value === undefined) return null;
    input[each.name] = value;
  }
  return input;
}

function asTyped(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was typed has the kind of the default: a text stays one, whatever it looks like. */
function valueOf(text: string, standard: unknown): unknown {
  if (standard === undefined || standard === null || typeof standard === "string") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
