/** Chooses a workflow, asks for what it needs, and starts it. */

import { useEffect, useState } from "react";
import type { SubmitEvent } from "react";
import { messageOf } from "@parley/client";
import type { Json } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { FormEnd } from "./FormEnd";
import { Dialog } from "../parts/Dialog";
import { inputOf, startTyped } from "./workflowInput";
import type { Typed, Workflow } from "./workflowInput";

interface Props {
  readonly load: () => Promise<readonly Workflow[]>;
  readonly onStart: (name: string, input: Json) => Promise<unknown>;
  readonly onClose: () => void;
}

export default function WorkflowDialog({ load, onStart, onClose }: Props) {
  const { workflow, page } = useTexts().session;
  const [known, setKnown] = useState<readonly Workflow[] | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let wanted = true;
    load().then(
      (found) => wanted && setKnown(found),
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
    };
    // As they are when the dialog opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <Dialog title={workflow.title} onClose={onClose} testId="workflow-dialog">
      {failed && <p className="refusal">{workflow.failed}</p>}
      {known === null && !failed && <p className="note">{page.loading}</p>}
      {known?.length === 0 && <p className="note">{workflow.none}</p>}
      {known !== null && known.length > 0 && <Form known={known} onStart={onStart} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ known, onStart, onClose }: Omit<Props, "load"> & { readonly known: readonly Workflow[] }) {
  const { workflow: words } = useTexts().session;
  const [name, setName] = useState(known[0]?.name ?? "");
  const workflow = known.find((each) => each.name === name);
  const [typed, setTyped] = useState<Typed>(() => startTyped(known[0]));
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  if (workflow === undefined) return null;
  const input = inputOf(workflow, typed);
  const choose = (next: string) => {
    setName(next);
    setTyped(startTyped(known.find((each) => each.name === next)));
    setError(null);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (input === null) return;
    setBusy(true);
    onStart(name, input).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setBusy(false);
    });
  };
  return (
    <form className="dialog-form" onSubmit={submit}>
      <label>
        {words.choose}
        <select value={name} onChange={(event) => choose(event.target.value)}>
          {known.map((each) => (
            <option key={each.name}>{each.name}</option>
          ))}
        </select>
      </label>
      <p className="note">
        {workflow.description} {`(${words.steps(workflow.steps.length)})`}
      </p>
      {workflow.inputs.map((each) => (
        <label key={each.name} title={each.description}>
          <span>
            {each.name} {each.required && <span className="muted">{`(${words.required})`}</span>}
          </span>
          <textarea
            rows={1}
            required={each.required}
            data-testid={`workflow-${each.name}`}
            value={typed[each.name] ?? ""}
            onChange={(event) => setTyped({ ...typed, [each.name]: event.target.value })}
          />
          {each.description !== "" && <span className="choice-hint">{each.description}</span>}
        </label>
      ))}
      <FormEnd
        error={error}
        submit={words.start}
        disabled={busy || input === null}
        onCancel={onClose}
        testId="start-workflow"
      />
    </form>
  );
}
