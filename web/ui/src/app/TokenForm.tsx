/** Asks for the server's shared token. */

import { useState } from "react";
import type { SubmitEvent } from "react";

interface Props {
  readonly rejected: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ rejected, onToken }: Props) {
  const [token, setToken] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (token.trim() !== "") onToken(token.trim());
  };
  return (
    <main className="token-page">
      <form className="token-form" onSubmit={submit} data-testid="token-form">
        <h1>Parley</h1>
        <label htmlFor="token">This server asks for its token.</label>
        <input
          id="token"
          type="password"
          autoComplete="current-password"
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
        {rejected && <p role="alert">That token was not accepted.</p>}
        <button type="submit" className="primary" disabled={token.trim() === ""}>
          Continue
        </button>
      </form>
    </main>
  );
}
