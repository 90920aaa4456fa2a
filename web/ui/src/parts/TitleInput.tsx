/** A field in place of a title: Enter or leaving it saves, Escape gives up. */

import { useRef } from "react";
import type { KeyboardEvent } from "react";
import { useTexts } from "../i18n/texts";

const LONGEST_TITLE = 200;

interface Props {
  readonly title: string;
  readonly onSave: (title: string) => void;
  readonly onEnd: () => void;
}

export function TitleInput({ title, onSave, onEnd }: Props) {
  const { header } = useTexts().session;
  const given = useRef(false);
  const end = (value: string | null) => {
    // Taking the field away takes the focus away too: only the first of the two ends counts.
    if (given.current) return;
    given.current = true;
    const next = value?.trim() ?? "";
    if (next !== "" && next !== title) onSave(next);
    onEnd();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") end(event.currentTarget.value);
    if (event.key === "Escape") end(null);
  };
  return (
    <input
      className="title-input"
      aria-label={header.title}
      data-testid="title-input"
      defaultValue={title}
      maxLength={LONGEST_TITLE}
      autoFocus
      onFocus={(event) => event.target.select()}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={onKeyDown}
    />
  );
}
