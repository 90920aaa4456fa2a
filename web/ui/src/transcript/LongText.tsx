/** A text of any length, a part at a time: what is drawn at once stays bounded. */

import type { ReactNode } from "react";
import { useTexts } from "../i18n/texts";
import { size } from "./format";
import { useKept } from "./memory";
import { partOf } from "./parts";

interface Props {
  /** Names the text among all of the transcript. */
  readonly id: string;
  readonly text: string;
  /** How many characters are shown at first, and with each further step. */
  readonly step: number;
  readonly children: (shown: string) => ReactNode;
}

export function LongText({ id, text, step, children }: Props) {
  const words = useTexts().transcript;
  const [limit, setLimit] = useKept(`shown ${id}`, step);
  const shown = partOf(text, limit);
  const left = text.length - shown.length;
  return (
    <>
      {children(shown)}
      {left > 0 && (
        <p className="show-more">
          <button type="button" className="quiet" onClick={() => setLimit(limit + step)} data-testid="show-more">
            {words.showMore(size(left))}
          </button>
        </p>
      )}
    </>
  );
}
