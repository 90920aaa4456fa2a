/** Says why the server will not have this page in the session, and asks once more. */

import type { LiveSession } from "@parley/client";
import { useTexts } from "../i18n/texts";

export function RejoinBar({ session, text }: { session: LiveSession; text: string }) {
  const { retry } = useTexts().common;
  return (
    <div className="notice-bar" role="alert">
      <span>{text}</span>
      <button type="button" onClick={() => session.rejoin()}>
        {retry}
      </button>
    </div>
  );
}
