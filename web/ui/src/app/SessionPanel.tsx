/** The list of sessions: those at work and those that wait for the user, live, then the rest by day. */

import { useEffect, useMemo, useRef, useState } from "react";
import { Plus } from "lucide-react";
import type { HubClient, Project, Session, Sessions } from "@parley/client";
import { age, monthName, number } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import type { SessionActions } from "./actions";
import { grouped } from "./groups";
import type { Group } from "./groups";
import { useNow, useSessions } from "../lib/hooks";
import { Filter } from "./PanelFilter";
import { ALL } from "./sessionHistory";
import type { Criteria, HistoryView } from "./sessionHistory";
import { isWaiting } from "./SessionMark";
import { SessionRow } from "./SessionRow";
import { useSessionHistory } from "./useSessionHistory";

/** By id. */
type ProjectNames = ReadonlyMap<string, string>;

const NO_NAMES: ProjectNames = new Map();
const AGES_MOVE_MS = 30_000;
/** Between two keys of somebody who types slowly. */
const REST_MS = 160;

interface Props {
  readonly hub: HubClient;
  readonly selected: string | null;
  readonly actions: SessionActions;
  readonly projects: readonly Project[];
  readonly onProjects: () => void;
}

export function SessionPanel({ hub, selected, actions, projects, onProjects }: Props) {
  const words = useTexts().app.panel;
  const [typed, setTyped] = useState("");
  const [options, setOptions] = useState(ALL);
  const q = useRested(typed.trim(), REST_MS);
  const criteria = useMemo(() => ({ ...options, q }), [options, q]);
  const history = useSessionHistory(hub, criteria);
  const active = newestFirst(useSessions(hub.running));
  const now = useNow(AGES_MOVE_MS);
  const rows = { selected, actions, now, projects: options.projectId === null ? namesOf(projects) : NO_NAMES };
  return (
    <>
      <div className="panel-tools">
        <button
          type="button"
          className="new-session"
          onClick={() => actions.create(options.projectId ?? undefined)}
          data-testid="new-session"
        >
          <Plus size={16} aria-hidden="true" />
          {words.new}
        </button>
        <Filter
          value={typed}
          onChange={setTyped}
          options={options}
          onOptions={setOptions}
          projects={projects}
          onProjects={onProjects}
        />
      </div>
      <div className="panel-lists">
        <Section heading={words.waiting} sessions={active.filter(isWaiting)} testId="waiting-list" rows={rows} />
        <Section
          heading={words.running}
          sessions={active.filter((session) => !isWaiting(session))}
          testId="running-list"
          rows={rows}
          always
        />
        <History criteria={criteria} {...history} rows={rows} alone={active.length === 0} />
      </div>
    </>
  );
}

/** The value once it has not changed for a while. */
function useRested(value: string, delayMs: number): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);
  return rested;
}

interface HistoryProps {
  readonly criteria: Criteria;
  readonly view: HistoryView;
  readonly more: () => void;
  readonly retry: () => void;
  readonly rows: RowsProps;
  /** No other list has a session. */
  readonly alone: boolean;
}

function History({ criteria, view, more, retry, rows, alone }: HistoryProps) {
  const texts = useTexts();
  const words = texts.app.panel;
  const { sessions, hasMore, busy, error } = view;
  const byDay = criteria.sort !== "title";
  const timeOf = (session: Session) => (criteria.sort === "created" ? session.createdAtUtc : session.updatedAtUtc);
  const groups = byDay ? grouped(sessions, timeOf, new Date(rows.now)) : [];
  const all = criteria.q === "" && criteria.state === null && !criteria.archived;
  const empty = sessions.length === 0 && !busy && error === null && (alone || !all);
  return (
    <section data-testid="history-list" aria-label={words.history} aria-busy={busy}>
      {groups.map((group) => (
        <div key={group.key}>
          <h2>{headingOf(group, words, texts.common.locale)}</h2>
          <Rows sessions={group.items} {...rows} />
        </div>
      ))}
      {!byDay && (
        <>
          <h2>{words.history}</h2>
          <Rows sessions={sessions} {...rows} />
        </>
      )}
      {empty && <p className="panel-empty">{all ? words.nothing : words.nothingFound}</p>}
      {error !== null && (
        <p className="panel-empty" role="alert">
          {words.failed} {error}{" "}
          <button type="button" className="quiet" onClick={retry}>
            {texts.common.retry}
          </button>
        </p>
      )}
      {hasMore && <More onReached={more} busy={busy} />}
    </section>
  );
}

/** Asks for the next page when it comes into view, or by a click. */
function More({ onReached, busy }: { onReached: () => void; busy: boolean }) {
  const words = useTexts().app.panel;
  const button = useRef<HTMLButtonElement>(null);
  const reached = useRef(onReached);
  useEffect(() => {
    reached.current = onReached;
  });
  useEffect(() => {
    const element = button.current;
    if (element === null || busy) return;
    // A new observer tells at once where the button is: also when a short page left it in view.
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && reached.current(),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [busy]);
  return (
    <button ref={button} type="button" className="quiet" onClick={onReached} disabled={busy}>
      {words.more}
    </button>
  );
}

interface RowsProps {
  readonly selected: string | null;
  readonly actions: SessionActions;
  readonly projects: ProjectNames;
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
        {heading} <span className="tally">{number(sessions.length, locale)}</span>
      </h2>
      <Rows sessions={sessions} testId={testId} {...rows} />
    </section>
  );
}

interface ListProps extends RowsProps {
  readonly sessions: readonly Session[];
  readonly testId?: string;
}

function Rows({ sessions, testId, selected, actions, projects, now }: ListProps) {
  const { locale } = useTexts().common;
  return (
    <ul data-testid={testId}>
      {sessions.map((session) => (
        <SessionRow
          key={session.id}
          session={session}
          selected={session.id === selected}
          project={projects.get(session.projectId)}
          age={age(session.updatedAtUtc, locale, now)}
          actions={actions}
        />
      ))}
    </ul>
  );
}

function headingOf(
  { heading }: Group<Session>,
  words: Readonly<Record<"today" | "yesterday" | "week", string>>,
  locale: string,
) {
  return heading instanceof Date ? monthName(heading, locale) : words[heading];
}

/** Only where there is more than one to tell apart. */
function namesOf(projects: readonly Project[]): ProjectNames {
  return projects.length > 1 ? new Map(projects.map(({ id, name }) => [id, name])) : NO_NAMES;
}

function newestFirst(sessions: Sessions): readonly Session[] {
  return [...sessions.values()].sort((a, b) => (a.updatedAtUtc < b.updatedAtUtc ? 1 : -1));
}
