/** What is always sent to the model: messages to jump to, and texts of their own. */

import { CornerDownRight, PinOff } from "lucide-react";
import type { Pin } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { AddField } from "./PlanList";

interface Props {
  readonly pins: readonly Pin[];
  readonly disabled: boolean;
  readonly onAdd: (text: string) => void;
  readonly onUnpin: (pinId: string) => void;
  readonly onJump: (messageId: string) => void;
}

const LABEL_CHARS = 60;

export function PinList({ pins, disabled, onAdd, onUnpin, onJump }: Props) {
  const { side } = useTexts().session;
  return (
    <section className="side-section" data-testid="pins">
      <h2>
        {side.pins}
        {pins.length > 0 && <span className="count">{pins.length}</span>}
      </h2>
      {pins.length === 0 && <p className="note">{side.noPins}</p>}
      <ul className="pins">
        {pins.map(({ id, messageId, text }) => (
          <li key={id} className="pin" data-testid="pin">
            <bdi className="pin-text">{text}</bdi>
            <span className="row-actions">
              {messageId !== null && (
                <IconButton label={side.jump} onClick={() => onJump(messageId)} data-testid="jump-to-pin">
                  <CornerDownRight size={13} aria-hidden="true" />
                </IconButton>
              )}
              <IconButton
                label={side.unpin(text.slice(0, LABEL_CHARS))}
                disabled={disabled}
                onClick={() => onUnpin(id)}
                data-testid="unpin"
              >
                <PinOff size={13} aria-hidden="true" />
              </IconButton>
            </span>
          </li>
        ))}
      </ul>
      <AddField label={side.addPin} disabled={disabled} onAdd={onAdd} />
    </section>
  );
}
