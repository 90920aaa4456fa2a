/** A diff, line by line: what goes and what comes, told apart by sign and colour. */

import { useState } from "react";
import { useTexts } from "../../i18n/texts";
import type { ToolDiff } from "./toolDiff";

const SHOWN_LINES = 40;

const SIGNS = { same: " ", added: "+", removed: "−" } as const;

export function DiffView({ diff }: { diff: ToolDiff }) {
  const words = useTexts().session.diff;
  const [whole, setWhole] = useState(false);
  const lines = whole ? diff.lines : diff.lines.slice(0, SHOWN_LINES);
  const left = diff.lines.length - lines.length;
  return (
    <div className="diff" data-testid="diff">
      <p className="diff-head">
        <bdi className="diff-path">{diff.path}</bdi>
        <span className="diff-added">{`+${diff.added}`}</span>
        {diff.kind === "edit" && <span className="diff-removed">{`−${diff.removed}`}</span>}
      </p>
      <div className="diff-lines" role="group" aria-label={words.label} tabIndex={0}>
        {lines.map(({ kind, text }, index) => (
          <div key={index} className="diff-line" data-kind={kind}>
            <span className="diff-sign">{SIGNS[kind]}</span>
            <bdi>{text === "" ? " " : text}</bdi>
          </div>
        ))}
      </div>
      {left > 0 && (
        <button type="button" className="quiet" onClick={() => setWhole(true)}>
          {words.more(left)}
        </button>
      )}
      {diff.kind === "write" && <p className="note">{words.whole}</p>}
    </div>
  );
}
