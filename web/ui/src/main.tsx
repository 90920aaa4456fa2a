/** Where the page starts. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/index.css";
import { App } from "./app/App";
import { loadCopy } from "./lib/preferences";
import { listenForShortcuts } from "./lib/shortcuts";
import { en, languageFor, loadTexts } from "./i18n/texts";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no #root");
const language = languageFor(loadCopy().language, navigator.languages);
// Waited for, so that nothing is drawn in one language and then in another.
const texts = await loadTexts(language).catch(() => en);
listenForShortcuts();
createRoot(root).render(
  <StrictMode>
    <App firstTexts={texts} />
  </StrictMode>,
);
