/** Says finished messages to a screen reader: whole, once, and none of those that were there before. */

import { useEffect, useRef, useState } from "react";
import type { Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { useAnswering } from "./approvals/answering";
import type { BranchHistory } from "./history";
import { authorOf } from "./MessageHead";

const SAID_CHARS = 600;

export function Announcer({ history }: { history: BranchHistory }) {
  const words = useTexts().transcript;
  const { me } = useAnswering();
  const last = history.at(history.length);
  const finished = last !== undefined && last.status !== "streaming" && last.content !== "" ? last : null;
  const [first] = useState(finished?.id ?? null);
  const [said, setSaid] = useState<Message | null>(null);
  const before = useRef(first);
  useEffect(() => {
    if (finished === null || finished.id === before.current) return;
    before.current = finished.id;
    setSaid(finished);
  }, [finished]);
  return (
    <p className="visually-hidden" aria-live="polite" data-testid="announcer">
      {said !== null && words.said(authorOf(said, me, words), said.content.slice(0, SAID_CHARS))}
    </p>
  );
}
