/** The palette: full text over all sessions while typing, the newest sessions before, and commands after `>`. */

import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { Search } from "lucide-react";
import type { HubClient } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { Modal } from "../parts/Modal";
import { goTo } from "../lib/address";
import { commands } from "../lib/commands";
import { useNow, useSessions, useSignal } from "../lib/hooks";
import { SearchFilters } from "./SearchFilters";
import type { Filters } from "./SearchFilters";
import { Hit, Title } from "./SearchHit";
import { asking } from "./searchRequest";
import { Searching } from "./searching";
import type { SearchView } from "./searching";
import type { Projects } from "./useProjects";

const NEWEST = 8;
const NO_FILTERS: Filters = { projectId: null, state: null, role: null, days: null };

interface Props {
  readonly hub: HubClient;
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
  const [entered, setEntered] = useState(false);
  const [filters, setFilters] = useState(NO_FILTERS);
  const [searching] = useState(() => new Searching(asking(hub.rest)));
  const view = useSignal(searching.changes, () => searching.view);
  const isCommand = typed.startsWith(">");
  useEffect(() => searching.set({ text: isCommand ? "" : typed, ...filters }), [searching, typed, isCommand, filters]);
  useEffect(() => () => searching.close(), [searching]);
  const newest = useNewest(hub);
  const now = useNow(60_000);

  const searched = !isCommand && typed.trim() !== "";
  const choices = isCommand ? commandChoices(typed, texts) : searched ? hitChoices(view, now) : newest;
  const take = (choice: Choice) => {
    onClose();
    choice.run();
  };
  const active = useActive(choices);
  // Until the answer to what was typed is there, the choices are those of another question: Enter waits for it.
  const ready = entered && !(searched && view.busy);
  useEffect(() => {
    if (ready && active.choice !== undefined) take(active.choice);
  });
  const refine = (next: Filters) => {
    setFilters(next);
    setEntered(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key !== "Enter" && !active.move(event.key)) return;
    event.preventDefault();
    if (event.key === "Enter") setEntered(true);
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
          onChange={(event) => {
            setTyped(event.target.value);
            setEntered(false);
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      {!isCommand && <SearchFilters filters={filters} projects={projects.all} onChange={refine} />}
      <ul
        id={listId}
        className="palette-list"
        role="listbox"
        aria-label={words.results}
        data-testid="search-results"
        data-busy={view.busy}
      >
        {choices.map((choice, index) => (
          <li
            key={choice.id}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active.at}
            className="palette-item"
            onPointerMove={() => active.set(index)}
            onClick={() => take(choice)}
          >
            {choice.content}
          </li>
        ))}
      </ul>
      <div className="palette-foot">
        <span role="status" data-testid="search-status">
          {statusOf(searched ? view : null, choices.length, words)}
        </span>
        {view.hasMore && searched && (
          <button type="button" className="quiet" onClick={() => searching.more()} disabled={view.busy}>
            {words.more}
          </button>
        )}
      </div>
    </Modal>
  );
}

function useNewest(hub: HubClient): readonly Choice[] {
  const all = useSessions(hub.all);
  return useMemo(() => {
    const newest = [...all.values()].sort((a, b) => (a.updatedAtUtc < b.updatedAtUtc ? 1 : -1)).slice(0, NEWEST);
    return newest.map((session) => ({
      id: session.id,
      content: <Title session={session} />,
      run: () => goTo(session.id),
    }));
  }, [all]);
}

/** `typed` begins with the sign that asks for them. */
function commandChoices(typed: string, texts: Texts): readonly Choice[] {
  const found = commands.matching(typed.slice(1).trim(), texts);
  return found.map(({ id, label, run }) => ({ id, content: label(texts), run }));
}

function hitChoices({ results }: SearchView, now: number): readonly Choice[] {
  return results.map((result) => ({
    id: `${result.session.id}/${result.messageId ?? ""}`,
    content: <Hit result={result} now={now} />,
    run: () => goTo(result.session.id, result.position),
  }));
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
  const at = Math.max(
    0,
    choices.findIndex(({ id }) => id === wanted),
  );
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

function statusOf(view: SearchView | null, found: number, words: Texts["app"]["search"]): string {
  if (view === null) return words.hint;
  if (view.error !== null) return view.error;
  if (view.answered === null) return words.busy;
  return found === 0 && !view.busy ? words.nothing : words.found(found, view.hasMore);
}
