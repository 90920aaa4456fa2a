/** What a merge would do, asked of the server anew with each change of the wish. */

import { useEffect, useState } from "react";
import { messageOf } from "@parley/client";
import type { Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { canPreview, requestOf } from "./mergeWish";
import type { MergeAnswer, MergeRequest, MergeWish } from "./mergeWish";
import { messageLine } from "./messageLine";

interface Props {
  readonly wish: MergeWish;
  readonly onPreview: (request: MergeRequest) => Promise<MergeAnswer>;
  readonly onConflicts: (conflicts: readonly string[]) => void;
}

const QUIET_MS = 150;
const SHOWN = 30;

interface Looked {
  /** The request that it answers. */
  readonly key: string;
  readonly answer: MergeAnswer | null;
  readonly error: string | null;
}

export function MergePreview({ wish, onPreview, onConflicts }: Props) {
  const { merge } = useTexts().session;
  const [looked, setLooked] = useState<Looked | null>(null);
  const possible = canPreview(wish);
  // The summary's own words and the answer to a conflict change nothing of what would come.
  const request = requestOf({ ...wish, summary: "", resolution: null });
  const key = possible ? JSON.stringify(request) : "";
  useEffect(() => {
    if (key === "") return;
    let wanted = true;
    const show = (next: Looked) => {
      if (!wanted) return;
      setLooked(next);
      onConflicts(next.answer?.conflicts ?? []);
    };
    const timer = setTimeout(() => {
      onPreview(JSON.parse(key) as MergeRequest).then(
        (answer) => show({ key, answer, error: null }),
        (error: unknown) => show({ key, answer: null, error: messageOf(error) }),
      );
    }, QUIET_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
    // The request alone decides what is asked.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  const current = looked !== null && looked.key === key ? looked : null;
  return (
    <section className="merge-preview" aria-live="polite" aria-busy={possible && current === null} data-testid="merge-preview">
      <h3>{merge.preview}</h3>
      {possible && current === null && <p className="note">{merge.previewing}</p>}
      {current?.error != null && <p className="refusal">{current.error}</p>}
      {current?.answer != null && <Gained messages={current.answer.messages} />}
    </section>
  );
}

function Gained({ messages }: { messages: readonly Message[] }) {
  const { merge, exported } = useTexts().session;
  if (messages.length === 0) return <p className="note">{merge.nothing}</p>;
  return (
    <>
      <p className="note">{merge.gains(messages.length)}</p>
      <ol className="message-lines">
        {messages.slice(0, SHOWN).map((message) => (
          <li key={message.id}>
            <span className="muted">{exported[message.role === "user" ? "you" : message.role]}</span>{" "}
            <bdi>{messageLine(message)}</bdi>
          </li>
        ))}
        {messages.length > SHOWN && <li>…</li>}
      </ol>
    </>
  );
}
