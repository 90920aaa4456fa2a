/** The English texts, whose shape the other languages have. */

import { app } from "./app";
import { common } from "./common";
import { session } from "./session";
import { transcript } from "./transcript";

export const en = { app, common, session, transcript };
export type Texts = typeof en;
