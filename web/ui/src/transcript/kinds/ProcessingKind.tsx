/** Something the server was busy with, in one quiet line. */

import { Check, LoaderCircle } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { duration } from "../format";
import { pretty } from "../json";
import { OutputText } from "../OutputText";
import { asFields, fieldsOf, textIn } from "../payload";
import { visibleLine } from "../visible";

export function ProcessingKind({ message }: { message: Message }) {
  const words = useTexts().transcript;
  const fields = fieldsOf(message);
  const stage = visibleLine(textIn(fields, "stage") || message.content);
  const [from, to] = [textIn(fields, "startedAt"), textIn(fields, "finishedAt")];
  const details = asFields(fields["details"]);
  const took = to === "" ? null : Math.max(0, Date.parse(to) - Date.parse(from));
  const Mark = took === null ? LoaderCircle : Check;
  const line = (
    <>
      <Mark size={14} aria-hidden="true" className={took === null ? "spinning" : undefined} />
      <bdi>
        {took === null ? words.processing.now(stage) : words.processing.done(stage, duration(took, words))}
      </bdi>
    </>
  );
  if (Object.keys(details).length === 0) return <p className="quiet-row">{line}</p>;
  return (
    <div className="quiet-fold">
      <Fold id={`${message.id} processing`} summary={line}>
        {() => <OutputText id={`${message.id} processing`} text={pretty(details)} />}
      </Fold>
    </div>
  );
}
