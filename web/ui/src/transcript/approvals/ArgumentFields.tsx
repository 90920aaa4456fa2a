/** One field per argument, in the form that its kind wants. */

import { useId } from "react";
import type { Json } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { withField, wrongFields } from "./schemaFields";
import type { Field } from "./schemaFields";

interface Props {
  readonly fields: readonly Field[];
  readonly given: Json;
  /** Whether the first takes the focus. */
  readonly focused: boolean;
  readonly onChange: (given: Json) => void;
}

export function ArgumentFields({ fields, given, focused, onChange }: Props) {
  const wrong = wrongFields(fields, given);
  return (
    <div className="argument-fields">
      {fields.map((field, index) => (
        <FieldRow
          key={field.name}
          field={field}
          value={given[field.name]}
          wrong={wrong.includes(field.name)}
          focused={focused && index === 0}
          onType={(typed) => onChange(withField(given, field, typed))}
        />
      ))}
    </div>
  );
}

interface RowProps {
  readonly field: Field;
  readonly value: unknown;
  readonly wrong: boolean;
  readonly focused: boolean;
  readonly onType: (typed: string | boolean) => void;
}

function FieldRow(props: RowProps) {
  const { approvals } = useTexts().session;
  const { field, wrong } = props;
  const id = useId();
  return (
    <div className="argument-field">
      <label htmlFor={id} title={field.description}>
        {field.name}
      </label>
      <Control id={id} {...props} />
      {wrong && (
        <p className="refusal" role="alert">
          {approvals.notNumber}
        </p>
      )}
    </div>
  );
}

function Control({ id, field, value, wrong, focused, onType }: RowProps & { readonly id: string }) {
  const common = { id, autoFocus: focused, "aria-invalid": wrong, "data-testid": `argument-${field.name}` };
  const text = value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  switch (field.kind) {
    case "boolean":
      return (
        <input {...common} type="checkbox" checked={value === true} onChange={(event) => onType(event.target.checked)} />
      );
    case "choice":
      return (
        <select {...common} value={text} onChange={(event) => onType(event.target.value)}>
          {!field.required && <option value="" />}
          {field.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case "integer":
    case "number":
      return (
        <input {...common} inputMode="decimal" placeholder={field.placeholder} value={text} onChange={(event) => onType(event.target.value)} />
      );
    case "text":
      return (
        <textarea
          {...common}
          spellCheck={false}
          placeholder={field.placeholder}
          rows={Math.min(12, text.split("\n").length)}
          value={text}
          onChange={(event) => onType(event.target.value)}
        />
      );
  }
}
