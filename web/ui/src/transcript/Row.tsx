/** One row of the transcript: a message, what was asked before it, or the room for one that is not loaded yet. */

import { memo } from "react";
import { ApprovalView } from "./approvals/ApprovalView";
import { useTexts } from "../i18n/texts";
import { MessageView } from "./MessageView";
import { sameRow } from "./rows";
import type { RowContent } from "./rows";

interface Props {
  readonly position: number;
  readonly length: number;
  readonly content: RowContent;
  readonly marked: boolean;
}

/** Drawn again only when its content changed: a delta costs one message, not the transcript. */
export const Row = memo(function Row({ position, length, content, marked }: Props) {
  const { message, elsewhere, approvals, results, questions, continued } = content;
  if (message === undefined) return <Placeholder position={position} />;
  return (
    <div className="row">
      {questions.map((approval) => (
        <ApprovalView key={approval.id} approval={approval} />
      ))}
      {!elsewhere && (
        <MessageView
          message={message}
          position={position}
          length={length}
          approvals={approvals}
          results={results}
          continued={continued}
          marked={marked}
        />
      )}
    </div>
  );
}, same);

/** A new length alone is told to those only that are drawn anyway. */
function same(one: Props, other: Props): boolean {
  const wasLast = one.position === one.length;
  const isLast = other.position === other.length;
  return one.marked === other.marked && wasLast === isLast && sameRow(one.content, other.content);
}

function Placeholder({ position }: { position: number }) {
  const words = useTexts().transcript;
  return (
    <div className="row placeholder" role="img" aria-label={words.loadingMessage(position)} data-testid="placeholder">
      <span />
      <span />
    </div>
  );
}
