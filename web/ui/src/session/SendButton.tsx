/** Sends; while a run is at work it also says what becomes of the message: queued, steering it, or in its place. */

import { ArrowUp, Check, ChevronDown } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";
import type { OnBusy } from "./attachments";

interface Props {
  readonly busy: boolean;
  readonly disabled: boolean;
  readonly onBusy: OnBusy;
  readonly onChoose: (onBusy: OnBusy) => void;
  readonly onSend: () => void;
}

export function SendButton({ busy, disabled, onBusy, onChoose, onSend }: Props) {
  const words = useTexts().session.composer;
  const choices = [
    { id: "enqueue", word: words.enqueue, hint: words.enqueueHint },
    { id: "steer", word: words.steer, hint: words.steerHint },
    { id: "interrupt", word: words.interrupt, hint: words.interruptHint },
  ] as const;
  const items = choices.map(({ id, word, hint }) => ({
    id,
    checked: id === onBusy,
    label: (
      <>
        <Check size={14} aria-hidden="true" className={id === onBusy ? "check" : "check unchecked"} />
        <span className="choice">
          <span className="choice-name">{word}</span>
          <span className="choice-hint">{hint}</span>
        </span>
      </>
    ),
    onSelect: () => onChoose(id),
  }));
  const chosen = choices.find(({ id }) => id === onBusy);
  return (
    <span className="send-group">
      <button type="button" className="primary send" onClick={onSend} disabled={disabled} data-testid="send">
        <ArrowUp size={15} aria-hidden="true" />
        {busy ? chosen?.word : words.send}
      </button>
      {busy && (
        <Menu label={words.busyLabel} items={items} className="primary send-choice" testId="on-busy">
          <ChevronDown size={14} aria-hidden="true" />
        </Menu>
      )}
    </span>
  );
}
