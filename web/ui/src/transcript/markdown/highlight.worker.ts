/** Colours code off the page's own thread: a text that makes a grammar slow delays nobody. */

import { common, createLowlight } from "lowlight";
import type { HighlightAnswer, HighlightJob } from "./runs";
import { runsOf } from "./runs";

const grammars = createLowlight(common);

self.onmessage = ({ data: { id, language, code } }: MessageEvent<HighlightJob>) => {
  const runs = grammars.registered(language) ? runsOf(grammars.highlight(language, code).children) : null;
  self.postMessage({ id, runs } satisfies HighlightAnswer);
};
