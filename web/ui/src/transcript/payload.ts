/** Reads the fields of a payload. What is missing or of another type reads as empty: a body may not be here yet, or
 * come from another version. Pure. */

import type { Message } from "@parley/client";

export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = {};

export function fieldsOf({ payload }: Pick<Message, "payload">): Fields {
  return asFields(payload);
}

export function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : NOTHING;
}

export function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

export function numberIn(fields: Fields, name: string): number | null {
  const value = fields[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function listIn(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  return Array.isArray(value) ? value : [];
}
