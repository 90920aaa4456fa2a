/** The messages of a session, oldest first, as a list of which only what is near the view is on the page. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { FocusEvent, ReactNode } from "react";
import { ArrowDown } from "lucide-react";
import { Virtualizer } from "virtua";
import type { VirtualizerHandle } from "virtua";
import type { Approval, History, Snapshot } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { ApprovalView } from "./approvals/ApprovalView";
import type { Focus } from "./actions";
import { Announcer } from "./Announcer";
import { allApprovals, placed } from "./approvals/placement";
import { useBranchHistory } from "./history";
import type { BranchHistory } from "./history";
import { ItemElement, ListElement } from "./listElements";
import { MemoryContext } from "./memory";
import { Row } from "./Row";
import { questionsAtEnd, rowAt } from "./rows";
import { scrollToEnd, useFollow } from "./useFollow";
import { useJump } from "./useJump";
import { useReadingKeys } from "./useReadingKeys";
import { useVisiblePages } from "./useVisiblePages";
import { useWidthAnchor } from "./useWidthAnchor";

// How far beyond the view rows are drawn: what a turn of the wheel brings into it.
const BUFFER_PX = 600;

interface Props {
  readonly snapshot: Snapshot;
  /** Approvals that were answered before the snapshot was taken. */
  readonly history: readonly Approval[];
  /** How many messages this page has sent: who sends one wants to see it. */
  readonly sent: number;
  /** The branch's messages by position. */
  readonly store: History;
  /** Where to go, and what to mark there. */
  readonly focus?: Focus | null;
  /** Shown behind the last message: what was written here and has not arrived yet. */
  readonly children?: ReactNode;
}

export function Transcript({ snapshot, history: settled, store, ...others }: Props) {
  const history = useBranchHistory(store, snapshot);
  const { approvals, answered } = snapshot;
  const all = useMemo(() => placed(allApprovals(approvals, answered ?? [], settled)), [approvals, answered, settled]);
  return <Rows key={history.key} history={history} approvals={all} head={snapshot.head} {...others} />;
}

interface RowsProps extends Pick<Props, "sent" | "focus" | "children"> {
  readonly history: BranchHistory;
  readonly approvals: ReturnType<typeof placed>;
  readonly head: number;
}

function Rows({ history, approvals, head, sent, focus = null, children }: RowsProps) {
  const words = useTexts().transcript;
  const box = useRef<HTMLDivElement>(null);
  const log = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [memory] = useState(() => new Map<string, unknown>());
  const follow = useFollow(box, log);
  const { marked } = useJump(list, focus, history.length, follow.letGo);
  const onKeyDown = useReadingKeys({ box, list, history, toEnd: follow.toEnd });
  const look = useVisiblePages(list, history);
  const [held, hold] = useHeldPosition();
  const kept = [...(held === null || held > history.length ? [] : [held - 1]), history.length];
  const unseen = useUnseenCount(history.length, follow.atEnd);
  useSent(sent, follow.toEnd);
  useWidthAnchor(box, follow.atEnd);
  useLayoutEffect(() => scrollToEnd(box), []);
  const onScroll = () => {
    follow.onScroll();
    look();
  };
  const tail = (
    <Tail>
      {questionsAtEnd(history, approvals).map(questionView)}
      {approvals.waiting.map(questionView)}
      {children}
    </Tail>
  );
  return (
    <MemoryContext value={memory}>
      <div className="transcript-frame">
        <div
          className="transcript"
          ref={box}
          tabIndex={0}
          aria-label={words.label}
          role="region"
          onScroll={onScroll}
          onKeyDown={onKeyDown}
          onFocus={hold}
        >
          <div
            ref={log}
            className="rows"
            role="log"
            aria-live="off"
            aria-label={words.label}
            data-testid="transcript"
            data-head={head}
            data-length={history.length}
          >
            <Virtualizer
              ref={list}
              scrollRef={box}
              as={ListElement}
              item={ItemElement}
              data={{ length: history.length + 1 }}
              bufferSize={BUFFER_PX}
              keepMounted={kept}
              onResize={look}
            >
              {(_: unknown, index) => {
                const position = index + 1;
                if (position > history.length) return tail;
                const content = rowAt(history, position, approvals);
                return (
                  <Row
                    key={content.message?.id ?? index}
                    position={position}
                    length={history.length}
                    content={content}
                    marked={marked === position}
                  />
                );
              }}
            </Virtualizer>
          </div>
          {history.length === 0 && approvals.waiting.length === 0 && <p className="notice">{words.empty}</p>}
        </div>
        <Announcer history={history} />
        {!follow.atEnd && (
          <button type="button" className="to-end" onClick={follow.toEnd} data-testid="to-end">
            <ArrowDown size={15} aria-hidden="true" />
            {approvals.waiting.length > 0 ? words.waitingBelow : words.latest}
            {unseen > 0 && <span className="new-count">{words.newBelow(unseen)}</span>}
          </button>
        )}
      </div>
    </MemoryContext>
  );
}

/** The row that has the focus stays on the page, however far away it is: without it the focus would be lost, and what
 * is being typed there with it. */
function useHeldPosition(): readonly [number | null, (event: FocusEvent<HTMLElement>) => void] {
  const [held, setHeld] = useState<number | null>(null);
  const hold = ({ target }: FocusEvent<HTMLElement>) => {
    const message = target.closest<HTMLElement>("[data-position]");
    setHeld(message === null ? null : Number(message.dataset["position"]));
  };
  return [held, hold];
}

function Tail({ children }: { children: ReactNode }) {
  return <div className="row tail">{children}</div>;
}

function questionView(approval: Approval) {
  return <ApprovalView key={approval.id} approval={approval} />;
}

/** How many messages came since the reader left the end. */
function useUnseenCount(length: number, atEnd: boolean): number {
  const [left, setLeft] = useState(length);
  if (atEnd && left !== length) setLeft(length);
  return Math.max(0, length - left);
}

/** Who sends something wants to see it. */
function useSent(sent: number, toEnd: () => void): void {
  const before = useRef(sent);
  useEffect(() => {
    if (before.current === sent) return;
    before.current = sent;
    toEnd();
  }, [sent, toEnd]);
}
