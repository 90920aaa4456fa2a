/** The palette: full text over all sessions while typing, the newest sessions before, and commands after `>`. */

import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { Search } from "lucide-react";
import type { Hub, SearchResult, Session } from "@parley/client";
import { age } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { Modal } from "../parts/Modal";
import { goTo } from "./address";
import { commands } from "./commands";
import { useNow, useSessions, useSignal } from "./hooks";
import { SearchFilters } from "./SearchFilters";
import type { Filters } from "./SearchFilters";
import { asking } from "./searchRequest";
import { Searching } from "./searching";
import { SessionMark } from "./SessionMark";
import type { Projects } from "./useProjects";

const NEWEST = 8;
const NO_FILTERS: Filters = { projectId: null, state: null, role: null, days: null };

interface Props {
  readonly hub: Hub;
  readonly projects: Projects;
  readonly onClose: () => void;
}

interface Choice {
  readonly id: string;
  readonly content: ReactNode;
  readonly run: () => void;
}

export default function SearchDialog({ hub, projects, onClose }: Props) {
  const texts = useTexts();
  const words = texts.app.search;
  const listId = useId();
  const [typed, setTyped] = useState("");
  const [filters, setFilters] = useState(NO_FILTERS);
  const [searching] = useState(() => new Searching(asking(hub.rest)));
  const view = useSignal(searching.changes, () => searching.view);
  const isCommand = typed.startsWith(">");
  useEffect(() => searching.set({ text: isCommand ? "" : typed, ...filters }), [searching, typed, isCommand, filters]);
  useEffect(() => () => searching.close(), [searching]);
  const newest = useNewest(hub);
  const now = useNow(60_000);

  const close = (run: () => void) => () => {
    onClose();
    run();
  };
  const choices: readonly Choice[] = isCommand
    ? commands.matching(typed.slice(1).trim(), texts).map(({ id, label, run }) => ({ id, content: label(texts), run: close(run) }))
    : typed.trim() === ""
      ? newest.map((session) => ({ id: session.id, content: <Title session={session} />, run: close(() => goTo(session.id)) }))
      : view.results.map((result) => ({
          id: `${result.session.id}/${result.messageId ?? ""}`,
          content: <Hit result={result} now={now} />,
          run: close(() => goTo(result.session.id, result.position)),
        }));
  const active = useActive(choices);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") active.choice?.run();
    else if (!active.move(event.key)) return;
    event.preventDefault();
  };
  return (
    <Modal className="dialog palette" label={words.title} onClose={onClose} testId="search">
      <div className="palette-field">
        <Search size={17} aria-hidden="true" />
        <input
          type="text"
          role="combobox"
          aria-label={words.title}
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={active.choice === undefined ? undefined : `${listId}-${active.at}`}
          placeholder={words.placeholder}
          data-testid="search-input"
          autoFocus
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      {!isCommand && <SearchFilters filters={filters} projects={projects.all} onChange={setFilters} />}
      <ul id={listId} className="palette-list" role="listbox" aria-label={words.results} data-testid="search-results" data-busy={view.busy}>
        {choices.map((choice, index) => (
          <li
            key={choice.id}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active.at}
            className="palette-item"
            onPointerMove={() => active.set(index)}
            onClick={choice.run}
          >
            {choice.content}
          </li>
        ))}
      </ul>
      <div className="palette-foot">
        <span role="status" data-testid="search-status">
          {statusOf(isCommand || typed.trim() === "" ? null : view, choices.length, words)}
        </span>
        {view.hasMore && !isCommand && typed.trim() !== "" && (
          <button type="button" className="quiet" onClick={() => searching.more()} disabled={view.busy}>
            {words.more}
          </button>
        )}
      </div>
    </Modal>
  );
}

function useNewest(hub: Hub): readonly Session[] {
  const all = useSessions(hub.all);
  return useMemo(
    () => [...all.values()].sort((a, b) => (a.updatedAtUtc < b.updatedAtUtc ? 1 : -1)).slice(0, NEWEST),
    [all],
  );
}

interface Active {
  readonly at: number;
  readonly choice: Choice | undefined;
  readonly set: (index: number) => void;
  /** Whether the key was one that moves. */
  readonly move: (key: string) => boolean;
}

/** Which of the choices Enter takes: the first, until another is pointed at. */
function useActive(choices: readonly Choice[]): Active {
  const [wanted, setWanted] = useState<string | null>(null);
  const shown = useRef<string | null>(null);
  const at = Math.max(0, choices.findIndex(({ id }) => id === wanted));
  const choice = choices[at];
  useEffect(() => {
    if (choice === undefined || shown.current === choice.id) return;
    shown.current = choice.id;
    document.querySelector('.palette-item[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const set = (index: number) => setWanted(choices[index]?.id ?? null);
  const move = (key: string) => {
    const step = ({ ArrowDown: 1, ArrowUp: -1 } as const)[key];
    if (step === undefined || choices.length === 0) return false;
    set((at + step + choices.length) % choices.length);
    return true;
  };
  return { at, choice, set, move };
}

function Title({ session }: { session: Session }) {
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
function Hit({ result, now }: { result: SearchResult; now: number }) {
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
      {parts.map(({ text, match }, index) => (match ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>))}
    </bdi>
  );
}

function statusOf(view: Searching["view"] | null, found: number, words: Texts["app"]["search"]): string {
  if (view === null) return words.hint;
  if (view.error !== null) return view.error;
  if (view.answered === null) return words.busy;
  return found === 0 && !view.busy ? words.nothing : words.found(found, view.hasMore);
}
