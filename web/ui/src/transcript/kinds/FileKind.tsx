/** A file, or some lines of it, as they were when they were read. */

import { FileText } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { Fold } from "../Fold";
import { clock } from "../../i18n/format";
import { LongText } from "../LongText";
import { fieldsOf, numberIn, textIn } from "../payload";
import { visible, visibleLine } from "../visible";
import { NumberedLines } from "../NumberedLines";

const STEP = 16_000;

export function FileKind({ message }: { message: Message }) {
  const {
    transcript: words,
    common: { locale },
  } = useTexts();
  const fields = fieldsOf(message);
  const [start, end] = [numberIn(fields, "startLine"), numberIn(fields, "endLine")];
  const [content, error] = [textIn(fields, "content"), textIn(fields, "error")];
  const readAt = textIn(fields, "readAt");
  const line = (
    <>
      <FileText size={15} aria-hidden="true" className="kind-icon" />
      <bdi className="mono">{visibleLine(textIn(fields, "path") || message.content)}</bdi>
      <span className="quiet-words">
        {start !== null && words.file.lines(start, end)}
        {readAt !== "" && ` · ${words.file.readAt(clock(readAt, locale))}`}
      </span>
    </>
  );
  return (
    <div className="artifact" data-testid="file-reference">
      {content === "" ? (
        <p className="artifact-line">{line}</p>
      ) : (
        <Fold id={`${message.id} file`} summary={line}>
          {() => (
            <>
              <LongText id={`${message.id} file`} text={content} step={STEP}>
                {(shown) => <NumberedLines text={shown} first={start ?? 1} />}
              </LongText>
              {fields["cut"] === true && <p className="quiet-words">{words.file.cut}</p>}
            </>
          )}
        </Fold>
      )}
      {error !== "" && <p className="said-error">{visible(error)}</p>}
    </div>
  );
}
