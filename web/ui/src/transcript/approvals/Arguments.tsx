/** The arguments of a call that waits: shown so that they can be judged, and edited when they should be others. */

import { useMemo, useState } from "react";
import type { Json } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { useKept } from "../memory";
import { ArgumentsEditor } from "./ArgumentsEditor";
import type { EditorProps } from "./ArgumentsEditor";
import { DiffView } from "./DiffView";
import { toolDiff } from "./toolDiff";

export function Arguments(props: Omit<EditorProps, "focused">) {
  const { approvals } = useTexts().session;
  const [editing, setEditing] = useKept(`editing ${props.id}`, false);
  // Who scrolls past a card that is being edited is not to be drawn into it.
  const [asked, setAsked] = useState(false);
  const edit = () => {
    setAsked(true);
    setEditing(true);
  };
  if (editing) return <ArgumentsEditor {...props} focused={asked} />;
  return (
    <div className="arguments">
      <Shown given={props.given} />
      <button type="button" className="quiet edit-arguments" onClick={edit} data-testid="edit-arguments">
        {approvals.edit}
      </button>
    </div>
  );
}

function Shown({ given }: { given: Json }) {
  const { approvals } = useTexts().session;
  const diff = useMemo(() => toolDiff(given), [given]);
  if (diff !== null) return <DiffView diff={diff} />;
  return (
    <div className="argument-list" role="group" aria-label={approvals.arguments} tabIndex={0}>
      <dl>
        {Object.entries(given).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <bdi>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
