/** Lines of a file with their numbers, which are not copied along. */

import { visible } from "./visible";

interface Props {
  readonly text: string;
  /** The number of the first line. */
  readonly first: number;
}

/** Two columns of text instead of an element per line: a thousand lines cost two elements. */
export function NumberedLines({ text, first }: Props) {
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  const count = lines.split("\n").length;
  const numbers = Array.from({ length: count }, (_, index) => first + index).join("\n");
  return (
    <div className="numbered" tabIndex={0} dir="ltr" role="group">
      <pre className="line-numbers" aria-hidden="true">
        {numbers}
      </pre>
      <pre>{visible(lines)}</pre>
    </div>
  );
}
