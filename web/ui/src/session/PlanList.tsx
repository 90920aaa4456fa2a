/** The plan as a checklist: the agent's and the reader's, changed by either. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { Circle, CircleCheck, CircleDot, CircleSlash, Pencil, X } from "lucide-react";
import { newId } from "@parley/client";
import type { PlanItem } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { Menu } from "../parts/Menu";

interface Props {
  readonly plan: readonly PlanItem[];
  readonly disabled: boolean;
  readonly onChange: (plan: readonly PlanItem[]) => void;
}

const ICONS = { pending: Circle, in_progress: CircleDot, done: CircleCheck, dropped: CircleSlash } as const;
const STATUSES = ["pending", "in_progress", "done", "dropped"] as const;

export function PlanList({ plan, disabled, onChange }: Props) {
  const { side } = useTexts().session;
  const done = plan.filter(({ status }) => status === "done").length;
  const put = (changed: PlanItem) => onChange(plan.map((item) => (item.id === changed.id ? changed : item)));
  return (
    <section className="side-section" data-testid="plan">
      <h2>
        {side.plan}
        {plan.length > 0 && <span className="count">{side.progress(done, plan.length)}</span>}
      </h2>
      {plan.length === 0 && <p className="note">{side.noPlan}</p>}
      <ul className="plan-items">
        {plan.map((item) => (
          <ItemRow
            key={item.id}
            item={item}
            disabled={disabled}
            onChange={put}
            onRemove={() => onChange(plan.filter(({ id }) => id !== item.id))}
          />
        ))}
      </ul>
      <AddField
        label={side.addItem}
        disabled={disabled}
        onAdd={(text) => onChange([...plan, { id: newId(), text, status: "pending" }])}
      />
    </section>
  );
}

interface RowProps {
  readonly item: PlanItem;
  readonly disabled: boolean;
  readonly onChange: (item: PlanItem) => void;
  readonly onRemove: () => void;
}

function ItemRow({ item, disabled, onChange, onRemove }: RowProps) {
  const { side } = useTexts().session;
  const [editing, setEditing] = useState(false);
  const Icon = ICONS[item.status];
  const statuses = STATUSES.map((status) => ({
    id: status,
    label: side.status[status],
    checked: status === item.status,
    onSelect: () => onChange({ ...item, status }),
  }));
  return (
    <li className="plan-item" data-status={item.status} data-testid="plan-item">
      <Menu label={side.itemStatus(item.text)} items={statuses} disabled={disabled}>
        <Icon size={15} aria-hidden="true" />
        <span className="visually-hidden">{side.status[item.status]}</span>
      </Menu>
      {editing ? (
        <TextField
          label={side.editItem(item.text)}
          text={item.text}
          onEnd={(text) => {
            setEditing(false);
            if (text !== "" && text !== item.text) onChange({ ...item, text });
          }}
        />
      ) : (
        <bdi className="plan-text" onDoubleClick={() => !disabled && setEditing(true)}>
          {item.text}
        </bdi>
      )}
      <span className="row-actions">
        <IconButton label={side.editItem(item.text)} disabled={disabled} onClick={() => setEditing(true)}>
          <Pencil size={13} aria-hidden="true" />
        </IconButton>
        <IconButton label={side.removeItem(item.text)} disabled={disabled} onClick={onRemove}>
          <X size={13} aria-hidden="true" />
        </IconButton>
      </span>
    </li>
  );
}

/** Enter and leaving it keep what was typed, Escape does not. */
function TextField(props: { label: string; text: string; onEnd: (text: string) => void }) {
  return (
    <input
      className="plan-text"
      aria-label={props.label}
      defaultValue={props.text}
      autoFocus
      onBlur={(event) => props.onEnd(event.target.value.trim())}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Escape") {
          event.stopPropagation();
          event.currentTarget.value = props.text;
        }
        if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}

export function AddField(props: { label: string; disabled: boolean; onAdd: (text: string) => void }) {
  const [text, setText] = useState("");
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    props.onAdd(text.trim());
    setText("");
  };
  return (
    <form className="add-field" onSubmit={add}>
      <input
        aria-label={props.label}
        placeholder={props.label}
        disabled={props.disabled}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
}
