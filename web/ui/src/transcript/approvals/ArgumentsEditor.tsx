/** Edits the arguments of a call: as fields where the tool's schema is simple, as JSON everywhere. */

import { useEffect, useState } from "react";
import { parseObject } from "@parley/client";
import type { Json } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { useKept } from "../memory";
import { useAnswering } from "./answering";
import { ArgumentFields } from "./ArgumentFields";
import { fieldsOf, wrongFields } from "./schemaFields";

export interface EditorProps {
  /** Names what is edited among all of the transcript. */
  readonly id: string;
  readonly tool: string;
  readonly given: Json;
  /** Whether its first field takes the focus. */
  readonly focused: boolean;
  /** The arguments as they are edited; null while what is written there is none. */
  readonly onChange: (edited: Json | null) => void;
}

export function ArgumentsEditor({ id, tool, given, focused, onChange }: EditorProps) {
  const { approvals } = useTexts().session;
  const parameters = useParameters(tool);
  const [text, setText] = useKept(`arguments ${id}`, pretty(given));
  const [asJson, setAsJson] = useState(false);
  // While the schema is on its way there is nothing to type in that would go away again.
  if (parameters === undefined) return <div className="arguments arguments-coming" aria-busy="true" />;
  const fields = fieldsOf(parameters, given);
  const edited = parseObject(text);
  const change = (next: string) => {
    setText(next);
    const value = parseObject(next);
    onChange(value !== null && wrongFields(fields ?? [], value).length === 0 ? value : null);
  };
  if (fields !== null && edited !== null && !asJson) {
    return (
      <div className="arguments">
        <ArgumentFields fields={fields} given={edited} focused={focused} onChange={(next) => change(pretty(next))} />
        <button type="button" className="quiet" onClick={() => setAsJson(true)} data-testid="arguments-as-json">
          {approvals.asJson}
        </button>
      </div>
    );
  }
  const canBeFields = edited !== null && fieldsOf(parameters, edited) !== null;
  return (
    <div className="arguments">
      <JsonField text={text} focused={focused || asJson} broken={edited === null} onChange={change} />
      {canBeFields && (
        <button type="button" className="quiet" onClick={() => setAsJson(false)} data-testid="arguments-as-fields">
          {approvals.asFields}
        </button>
      )}
    </div>
  );
}

interface JsonProps {
  readonly text: string;
  readonly focused: boolean;
  readonly broken: boolean;
  readonly onChange: (text: string) => void;
}

function JsonField(props: JsonProps) {
  const { approvals } = useTexts().session;
  return (
    <>
      <textarea
        autoFocus={props.focused}
        aria-label={approvals.argumentsJson}
        aria-invalid={props.broken}
        data-testid="arguments"
        spellCheck={false}
        rows={Math.min(16, props.text.split("\n").length + 1)}
        value={props.text}
        onChange={(event) => props.onChange(event.target.value)}
      />
      {props.broken && (
        <p className="refusal" role="alert">
          {approvals.notJson}
        </p>
      )}
    </>
  );
}

/** Undefined until the server has said; null where it knows none. */
function useParameters(tool: string): Json | null | undefined {
  const { parametersOf } = useAnswering();
  const [parameters, setParameters] = useState<Json | null | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    void parametersOf(tool).then((found) => wanted && setParameters(found));
    return () => {
      wanted = false;
    };
  }, [tool, parametersOf]);
  return parameters;
}

function pretty(value: Json): string {
  return JSON.stringify(value, null, 2);
}
