/** Who wrote a message, and when. */

import { Pin } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { useAnswering } from "./approvals/answering";
import { useTranscriptActions } from "./actions";
import { clock, fullTime } from "../i18n/format";
import { visibleLine } from "./visible";

interface Props {
  readonly message: Message;
  /** There for screen readers only. */
  readonly hidden: boolean;
}

export function MessageHead({ message, hidden }: Props) {
  const {
    transcript: words,
    common: { locale },
  } = useTexts();
  const { me } = useAnswering();
  const { pinned } = useTranscriptActions();
  return (
    <header className={hidden ? "visually-hidden" : "message-head"}>
      <bdi className="message-author">{authorOf(message, me, words)}</bdi>
      <time dateTime={message.createdAtUtc} title={fullTime(message.createdAtUtc, locale)}>
        {clock(message.createdAtUtc, locale)}
      </time>
      {pinned.has(message.id) && <Pin size={13} role="img" aria-label={words.pinned} className="pinned-mark" />}
    </header>
  );
}

/** The reader is "you"; other people have names, and so have agents other than the built-in one. */
export function authorOf(message: Message, me: string | null, words: Texts["transcript"]): string {
  const author = visibleLine(message.author);
  switch (message.role) {
    case "user":
      return author === "" || message.author === me ? words.you : author;
    case "agent":
      return author === "" || author === BUILT_IN ? words.agent : author;
    case "system":
      return words.system;
  }
}

const BUILT_IN = "assistant";
