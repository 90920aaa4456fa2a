/** What stands around everything: the reader's language and look, and the door where the server wants a token. */

import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { languageFor, loadTexts, TextsContext } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { Gate } from "./Gate";
import { applyLook, loadCopy, PreferencesContext, saveCopy } from "../lib/preferences";
import type { Preferences } from "../lib/preferences";
import { forgetToken, loadToken, saveToken } from "./token";

export function App({ firstTexts }: { firstTexts: Texts }) {
  const [preferences, setPreferences] = useState(loadCopy);
  const [token, setToken] = useState(loadToken);
  const [attempt, setAttempt] = useState(0);
  const accept = (next: string) => {
    saveToken(next);
    setToken(next);
    setAttempt(attempt + 1);
  };
  useEffect(() => saveCopy(preferences), [preferences]);
  useEffect(() => applyLook(document.documentElement, preferences), [preferences]);
  return (
    <PreferencesContext value={preferences}>
      <InLanguage preference={preferences.language} first={firstTexts}>
        <Gate key={attempt} token={token} onToken={accept} onRefused={forgetToken} onPreferences={setPreferences} />
      </InLanguage>
    </PreferencesContext>
  );
}

interface LanguageProps {
  readonly preference: Preferences["language"];
  /** Those that the page started with. */
  readonly first: Texts;
  readonly children: ReactNode;
}

function InLanguage({ preference, first, children }: LanguageProps) {
  const [texts, setTexts] = useState(first);
  const language = languageFor(preference, navigator.languages);
  useEffect(() => {
    let wanted = true;
    // Without the file the page stays in the language it is in.
    loadTexts(language).then(
      (loaded) => wanted && setTexts(loaded),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [language]);
  useEffect(() => {
    document.documentElement.lang = texts.common.locale;
  }, [texts]);
  return <TextsContext value={texts}>{children}</TextsContext>;
}
