/** Plan or act: whether the agent's tools may only read, or may change things. */

import type { Mode } from "@parley/client";

const MODES: readonly { readonly mode: Mode; readonly word: string; readonly title: string }[] = [
  { mode: "plan", word: "Plan", title: "Plan: tools may only read" },
  { mode: "act", word: "Act", title: "Act: tools may change things, after your approval where that is needed" },
];

interface Props {
  readonly mode: Mode;
  readonly onChange: (mode: Mode) => void;
}

export function ModeSwitch({ mode, onChange }: Props) {
  return (
    <div className="mode-switch" role="group" aria-label="Mode" data-testid="mode-switch" data-mode={mode}>
      {MODES.map((each) => (
        <button
          type="button"
          key={each.mode}
          title={each.title}
          aria-pressed={each.mode === mode}
          onClick={() => each.mode !== mode && onChange(each.mode)}
        >
          {each.word}
        </button>
      ))}
    </div>
  );
}
