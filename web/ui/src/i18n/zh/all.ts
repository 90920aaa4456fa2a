/** The Chinese texts, a file of their own in the built page. */

import type { Texts } from "../en/all";
import { app } from "./app";
import { common } from "./common";
import { session } from "./session";
import { transcript } from "./transcript";

export const zh: Texts = { app, common, session, transcript };
