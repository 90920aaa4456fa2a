/** A plan as a list to tick off. It says what is done; it is not edited here. */

import { Circle, CircleCheck, CircleDot, CircleMinus, ListTodo } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { asFields, fieldsOf, listIn, textIn } from "../payload";
import { Markdown } from "../markdown/Markdown";

const MARKS: Readonly<Record<string, LucideIcon>> = {
  pending: Circle,
  in_progress: CircleDot,
  done: CircleCheck,
  dropped: CircleMinus,
};

export function PlanKind({ message }: { message: Message }) {
  const words = useTexts().transcript.plan;
  const items = listIn(fieldsOf(message), "items").map(asFields);
  const done = items.filter((item) => textIn(item, "status") === "done").length;
  return (
    <div className="artifact" data-testid="plan-message">
      <p className="artifact-line">
        <ListTodo size={15} aria-hidden="true" className="kind-icon" />
        <span className="fold-title">{words.title}</span>
        <span className="quiet-words">{words.progress(done, items.length)}</span>
      </p>
      <ul className="plan-items">
        {items.map((item, index) => (
          <Item key={index} text={textIn(item, "text")} status={textIn(item, "status")} />
        ))}
      </ul>
    </div>
  );
}

function Item({ text, status }: { text: string; status: string }) {
  const words: Readonly<Record<string, string>> = useTexts().transcript.plan.item;
  const Mark = MARKS[status] ?? Circle;
  return (
    <li data-status={status}>
      <Mark size={15} role="img" aria-label={words[status] ?? status} />
      <div className="message-text">
        <Markdown text={text} />
      </div>
    </li>
  );
}
