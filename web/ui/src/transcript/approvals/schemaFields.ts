/** Which arguments of a tool can be edited as fields, judged by its JSON schema. Pure. */

import type { Json } from "@parley/client";

export type FieldKind = "text" | "integer" | "number" | "boolean" | "choice";

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  readonly choices: readonly string[];
  readonly required: boolean;
  readonly description: string;
  /** The value that it has without one. */
  readonly placeholder: string;
}

const MOST_FIELDS = 8;

/** The fields of a schema that is simple enough; null where JSON is the honest way to edit. */
export function fieldsOf(parameters: Json | null, given: Json): readonly Field[] | null {
  const properties = objectOf(parameters?.["properties"]);
  if (parameters?.["type"] !== "object" || properties === null) return null;
  const names = Object.keys(properties);
  if (names.length === 0 || names.length > MOST_FIELDS) return null;
  // What the schema doesn't know would be lost from view.
  if (Object.keys(given).some((name) => !names.includes(name))) return null;
  const required = Array.isArray(parameters["required"]) ? (parameters["required"] as unknown[]) : [];
  const fields = names.map((name) => fieldOf(name, objectOf(properties[name]), required.includes(name), given[name]));
  return fields.some((field) => field === null) ? null : (fields as readonly Field[]);
}

function fieldOf(name: string, schema: Json | null, required: boolean, value: unknown): Field | null {
  if (schema === null) return null;
  const description = typeof schema["description"] === "string" ? schema["description"] : "";
  const standard = schema["default"] ?? null;
  const placeholder = standard === null ? "" : typeof standard === "string" ? standard : JSON.stringify(standard);
  const fields = formsOf(schema).flatMap((form): readonly Field[] => {
    const choices = choicesOf(form["enum"]);
    const kind = choices.length > 0 ? "choice" : kindOf(form["type"]);
    return kind === null ? [] : [{ name, kind, choices, required, description, placeholder }];
  });
  // Where there are several forms, the one that the value has is the one to edit it in.
  return fields.find((field) => fits(field, value)) ?? null;
}

/** `X | null` is an optional X. */
function formsOf(schema: Json): readonly Json[] {
  const options = schema["anyOf"];
  if (!Array.isArray(options)) return [schema];
  return options.map(objectOf).filter((option) => option !== null && option["type"] !== "null") as readonly Json[];
}

function kindOf(type: unknown): FieldKind | null {
  switch (type) {
    case "string":
      return "text";
    case "integer":
    case "number":
    case "boolean":
      return type;
    default:
      return null;
  }
}

function choicesOf(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : [];
}

function fits({ kind }: Field, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (kind === "boolean") return typeof value === "boolean";
  return kind === "integer" || kind === "number" ? typeof value === "number" : typeof value === "string";
}

/** The arguments with one field changed to what was typed; an optional one that is empty is left out. */
export function withField(given: Json, field: Field, typed: string | boolean): Json {
  if (typed === "" && !field.required) {
    return Object.fromEntries(Object.entries(given).filter(([name]) => name !== field.name));
  }
  return { ...given, [field.name]: typeof typed === "string" ? valueOf(field.kind, typed) : typed };
}

function valueOf(kind: FieldKind, typed: string): unknown {
  if (kind !== "integer" && kind !== "number") return typed;
  const value = Number(typed);
  return typed.trim() === "" || Number.isNaN(value) ? typed : value;
}

/** The fields whose value is none of their kind: a number that is not one yet. */
export function wrongFields(fields: readonly Field[], given: Json): readonly string[] {
  return fields.filter((field) => !fits(field, given[field.name]) || !isWhole(field, given[field.name])).map(({ name }) => name);
}

function isWhole({ kind }: Field, value: unknown): boolean {
  return kind !== "integer" || value === undefined || value === null || Number.isInteger(value);
}

function objectOf(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
