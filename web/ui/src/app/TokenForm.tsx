/** Asks for the server's shared token. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { useTexts } from "../i18n/texts";

interface Props {
  readonly rejected: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ rejected, onToken }: Props) {
  const texts = useTexts().app;
  const [token, setToken] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (token.trim() !== "") onToken(token.trim());
  };
  return (
    <main className="token-page">
      <form className="token-form" onSubmit={submit} data-testid="token-form">
        <h1>{texts.name}</h1>
        <label htmlFor="token">{texts.token.asks}</label>
        <input
          id="token"
          type="password"
          autoComplete="current-password"
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        {rejected && <p role="alert">{texts.token.rejected}</p>}
        <button type="submit" className="primary" disabled={token.trim() === ""}>
          {texts.token.go}
        </button>
      </form>
    </main>
  );
}
