/** The messages of another branch, newest page first, to choose some of them. */

import { useEffect, useState } from "react";
import { messageOf } from "@parley/client";
import type { Branch, Message, MessagesPage } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { messageLine } from "./messageLine";

interface Props {
  readonly branch: Branch;
  readonly picked: readonly Message[];
  readonly onPage: (before: number) => Promise<MessagesPage>;
  readonly onChange: (picked: readonly Message[]) => void;
}

export function MessagePicker({ branch, picked, onPage, onChange }: Props) {
  const { merge, exported, page } = useTexts().session;
  const { messages, more, error, loadMore } = usePages(branch.length, onPage);
  const chosen = new Set(picked.map(({ id }) => id));
  const toggle = (message: Message) => {
    const ids = new Set(chosen);
    if (!ids.delete(message.id)) ids.add(message.id);
    // In the order of the branch, whatever the order of the clicks.
    onChange(messages.filter(({ id }) => ids.has(id)));
  };
  return (
    <fieldset className="choices message-picker" data-testid="message-picker">
      <legend>{merge.choose}</legend>
      {more && messages.length > 0 && (
        <button type="button" className="quiet" onClick={loadMore}>
          {merge.loadMore}
        </button>
      )}
      {messages.length === 0 && error === null && <p className="note">{page.loading}</p>}
      {error !== null && <p className="refusal">{error}</p>}
      {messages.map((message) => (
        <label key={message.id} className="radio">
          <input type="checkbox" checked={chosen.has(message.id)} onChange={() => toggle(message)} />
          <span>
            <span className="muted">{exported[message.role === "user" ? "you" : message.role]}</span>{" "}
            <bdi>{messageLine(message)}</bdi>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function usePages(length: number, onPage: Props["onPage"]) {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [error, setError] = useState<string | null>(null);
  const load = (wanted: () => boolean) =>
    onPage(length - messages.length + 1).then(
      (page) => wanted() && setMessages((before) => [...page.messages, ...before]),
      (failure: unknown) => wanted() && setError(messageOf(failure)),
    );
  useEffect(() => {
    let wanted = true;
    void load(() => wanted);
    return () => {
      wanted = false;
    };
    // The first page, once; a picker is keyed by its branch.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return { messages, error, more: messages.length < length, loadMore: () => void load(() => true) };
}
