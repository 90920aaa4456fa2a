/** Plan or act: whether the agent's tools may only read, or may change things. */

import type { Mode } from "@parley/client";
import { useTexts } from "../i18n/texts";

interface Props {
  readonly mode: Mode;
  readonly onChange: (mode: Mode) => void;
}

export function ModeSwitch({ mode, onChange }: Props) {
  const words = useTexts().session.mode;
  const modes = [
    { name: "plan", word: words.plan, hint: words.planHint },
    { name: "act", word: words.act, hint: words.actHint },
  ] as const;
  return (
    <div className="mode-switch" role="group" aria-label={words.label} data-testid="mode-switch" data-mode={mode}>
      {modes.map(({ name, word, hint }) => (
        <button
          type="button"
          key={name}
          title={hint}
          aria-pressed={name === mode}
          onClick={() => name !== mode && onChange(name)}
        >
          {word}
        </button>
      ))}
    </div>
  );
}
