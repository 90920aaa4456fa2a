/** What the palette shows of a session, and of a place where something was found. */

import type { SearchResult, Session } from "@parley/client";
import { age } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import { SessionMark } from "./SessionMark";

export function Title({ session }: { session: Session }) {
  const { untitled } = useTexts().common;
  return (
    <span className="hit-head">
      <SessionMark session={session} />
      <span className="hit-title">{session.title || untitled}</span>
      <span className="hit-fact">{session.projectName}</span>
    </span>
  );
}

/** A session by its title, or one of its messages by what it says. */
export function Hit({ result, now }: { result: SearchResult; now: number }) {
  const texts = useTexts();
  const { session, role, createdAtUtc } = result;
  const snippet = <Snippet parts={result.snippet} />;
  return (
    <>
      <span className="hit-head">
        <SessionMark session={session} />
        <span className="hit-title">{result.type === "title" ? snippet : session.title || texts.common.untitled}</span>
        <span className="hit-fact">{session.projectName}</span>
        <time className="hit-fact" dateTime={createdAtUtc}>
          {age(createdAtUtc, texts.common.locale, now)}
        </time>
      </span>
      {result.type === "message" && (
        <span className="hit-text">
          {role !== null && <span className="hit-role">{texts.app.search.roles[role]}: </span>}
          {snippet}
          {result.position === null && <span className="hit-fact"> · {texts.app.search.otherBranch}</span>}
        </span>
      )}
    </>
  );
}

function Snippet({ parts }: { parts: SearchResult["snippet"] }) {
  return (
    <bdi>
      {parts.map(({ text, match }, index) =>
        match ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
      )}
    </bdi>
  );
}
