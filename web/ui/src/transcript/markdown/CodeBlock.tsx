/** Code with the name of its language and a button that copies it. Coloured once it is finished. */

import { memo } from "react";
import { useTexts } from "../../i18n/texts";
import { CopyButton } from "../CopyButton";
import { visible } from "../visible";
import { useHighlight } from "./highlight";
import type { Run } from "./runs";

interface Props {
  readonly code: string;
  readonly language: string;
  /** More of it is still to come. */
  readonly open?: boolean;
}

export const CodeBlock = memo(function CodeBlock({ code, language, open = false }: Props) {
  const texts = useTexts().transcript;
  const shown = visible(code);
  const runs = useHighlight(shown, language, !open);
  return (
    <figure className="code-block" data-testid="code-block" data-language={language}>
      <figcaption>
        <span>{language === "" ? texts.code : language}</span>
        <CopyButton text={code} label={texts.copyCode} />
      </figcaption>
      <pre tabIndex={0} dir="ltr" aria-label={texts.codeIn(language)}>
        <code>{runs === null ? shown : runs.map(runView)}</code>
      </pre>
    </figure>
  );
});

function runView([scope, text]: Run, index: number) {
  if (scope === "") return text;
  return (
    <span key={index} className={`code-${scope}`}>
      {text}
    </span>
  );
}
