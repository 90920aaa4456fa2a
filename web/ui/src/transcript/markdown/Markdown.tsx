/** A text in Markdown. While it grows, its last block alone is parsed and drawn again. */

import { memo, useState } from "react";
import { NO_BLOCKS, blocksOf } from "./blocks";
import type { Blocks } from "./blocks";
import { CodeBlock } from "./CodeBlock";
import { fenceOf } from "./fence";
import { parse } from "./parse";
import { blocksView } from "./tokens";

interface Props {
  readonly text: string;
  /** A line break of the text is one on the page. */
  readonly breaks?: boolean;
  /** More of it is still to come. */
  readonly growing?: boolean;
}

export function Markdown({ text, breaks = false, growing = false }: Props) {
  const [cut] = useState(rememberingCut);
  const { blocks } = cut(text);
  return blocks.map((block, index) => (
    <BlockView key={block.start} text={block.text} breaks={breaks} open={growing && index === blocks.length - 1} />
  ));
}

/** Cuts a growing text by what it was cut into before. */
function rememberingCut(): (text: string) => Blocks {
  let before = NO_BLOCKS;
  return (text) => (before = blocksOf(text, before));
}

interface BlockProps {
  readonly text: string;
  readonly breaks: boolean;
  readonly open: boolean;
}

const BlockView = memo(function BlockView({ text, breaks, open }: BlockProps) {
  const fence = fenceOf(text);
  if (fence !== null) return <CodeBlock code={fence.code} language={fence.language} open={open && !fence.closed} />;
  const tokens = parse(text, breaks);
  return tokens === null ? <p className="as-written">{text}</p> : blocksView(tokens);
});
