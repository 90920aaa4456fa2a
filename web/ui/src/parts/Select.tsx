/** A list to choose one from, with a choice that means none of them. */

interface Props {
  readonly label: string;
  /** The choice that narrows nothing; without it there is always one. */
  readonly any?: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
  readonly testId?: string;
}

export function Select({ label, any, options, value, onChange, testId }: Props) {
  return (
    <select
      aria-label={label}
      title={label}
      data-testid={testId}
      data-set={any !== undefined && value !== null}
      value={value ?? ""}
      onChange={(event) => onChange(event.target.value || null)}
    >
      {any !== undefined && <option value="">{any}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
