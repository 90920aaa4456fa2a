/** The list of sessions: those at work and those that wait for the user, live, then the rest by day. */

import { useDeferredValue, useMemo, useState } from "react";
import type { KeyboardEvent } from "react";
import { Plus, Search, X } from "lucide-react";
import type { Hub, Session } from "@parley/client";
import { monthName, number } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import type { SessionActions } from "./actions";
import { grouped } from "./groups";
import type { Group } from "./groups";
import { useNow, useSessions } from "./hooks";
import { isWaiting } from "./SessionMark";
import { SessionRow } from "./SessionRow";

const SHOWN_AT_FIRST = 100;
const AGES_MOVE_MS = 30_000;

interface Props {
  readonly hub: Hub;
  readonly selected: string | null;
  readonly actions: SessionActions;
}

export function SessionPanel({ hub, selected, actions }: Props) {
  const texts = useTexts();
  const words = texts.app.panel;
  const [filter, setFilter] = useState("");
  const typed = useDeferredValue(filter.trim().toLowerCase());
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const now = useNow(AGES_MOVE_MS);
  const all = useSessions(hub.all);
  const active = newestFirst([...useSessions(hub.running).values()]);
  const history = useMemo(() => newestFirst([...all.values()].filter(({ state }) => state !== "RUNNING")), [all]);
  const found = useMemo(() => history.filter((session) => session.title.toLowerCase().includes(typed)), [history, typed]);
  const withProject = useMemo(() => new Set([...all.values()].map(({ projectId }) => projectId)).size > 1, [all]);
  const rows = { selected, actions, withProject, now };
  return (
    <>
      <div className="panel-tools">
        <button type="button" className="new-session" onClick={() => actions.create()} data-testid="new-session">
          <Plus size={16} aria-hidden="true" />
          {words.new}
        </button>
        <Filter value={filter} onChange={setFilter} />
      </div>
      <div className="panel-lists">
        <Section heading={words.waiting} sessions={active.filter(isWaiting)} testId="waiting-list" rows={rows} />
        <Section heading={words.running} sessions={active.filter((s) => !isWaiting(s))} testId="running-list" rows={rows} always />
        <section data-testid="history-list" aria-label={words.history}>
          {grouped(found.slice(0, limit), (session) => session.updatedAtUtc, new Date(now)).map((group) => (
            <div key={group.key}>
              <h2>{headingOf(group, words, texts.common.locale)}</h2>
              <Rows sessions={group.items} {...rows} />
            </div>
          ))}
          {found.length === 0 && <p className="panel-empty">{typed === "" ? words.nothing : words.nothingFound}</p>}
          {found.length > limit && (
            <button type="button" className="quiet" onClick={() => setLimit(limit + SHOWN_AT_FIRST)}>
              {words.more}
            </button>
          )}
        </section>
      </div>
    </>
  );
}

function Filter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const words = useTexts().app.panel;
  const onKeyDown = (event: KeyboardEvent) => {
    // Escape empties the field before it closes the drawer.
    if (event.key !== "Escape" || value === "") return;
    event.preventDefault();
    onChange("");
  };
  return (
    <div className="panel-filter">
      <Search size={14} aria-hidden="true" />
      <input
        type="text"
        aria-label={words.filter}
        placeholder={words.filter}
        data-testid="session-filter"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {value !== "" && (
        <IconButton label={words.clearFilter} onClick={() => onChange("")}>
          <X size={14} />
        </IconButton>
      )}
    </div>
  );
}

interface RowsProps {
  readonly selected: string | null;
  readonly actions: SessionActions;
  readonly withProject: boolean;
  readonly now: number;
}

interface SectionProps {
  readonly heading: string;
  readonly sessions: readonly Session[];
  readonly testId: string;
  readonly rows: RowsProps;
  /** Shown without sessions too. */
  readonly always?: boolean;
}

function Section({ heading, sessions, testId, rows, always = false }: SectionProps) {
  const { locale } = useTexts().common;
  if (sessions.length === 0 && !always) return null;
  return (
    <section aria-label={heading}>
      <h2>
        {heading} <span className="count">{number(sessions.length, locale)}</span>
      </h2>
      <Rows sessions={sessions} testId={testId} {...rows} />
    </section>
  );
}

function Rows({ sessions, testId, ...row }: RowsProps & { sessions: readonly Session[]; testId?: string }) {
  return (
    <ul data-testid={testId}>
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} {...row} selected={session.id === row.selected} />
      ))}
    </ul>
  );
}

function headingOf({ heading }: Group<Session>, words: Readonly<Record<"today" | "yesterday" | "week", string>>, locale: string) {
  return heading instanceof Date ? monthName(heading, locale) : words[heading];
}

function newestFirst(sessions: readonly Session[]): readonly Session[] {
  return sessions.toSorted((a, b) => (a.updatedAtUtc < b.updatedAtUtc ? 1 : -1));
}
