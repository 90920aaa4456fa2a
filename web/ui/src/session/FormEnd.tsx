/** The end of a dialog's form: what went wrong, and the two ways out. */

import { useTexts } from "../i18n/texts";

interface Props {
  readonly error: string | null;
  /** What the button that sends the form says. */
  readonly submit: string;
  readonly disabled: boolean;
  readonly onCancel: () => void;
  readonly testId: string;
}

export function FormEnd({ error, submit, disabled, onCancel, testId }: Props) {
  const { common } = useTexts();
  return (
    <>
      {error !== null && (
        <p className="refusal" role="alert">
          {error}
        </p>
      )}
      <div className="form-actions">
        <button type="button" onClick={onCancel}>
          {common.cancel}
        </button>
        <button type="submit" className="primary" disabled={disabled} data-testid={testId}>
          {submit}
        </button>
      </div>
    </>
  );
}
