/** What a search is narrowed to. */

import type { Project } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Select } from "../parts/Select";
import type { SearchQuery } from "./searching";

export type Filters = Omit<SearchQuery, "text">;

interface Props {
  readonly filters: Filters;
  readonly projects: readonly Project[];
  readonly onChange: (filters: Filters) => void;
}

export const SESSION_STATES = ["RUNNING", "COMPLETED", "FAILED", "CANCELLED", "IDLE"] as const;
const ROLES = ["user", "agent", "system"] as const;
const DAYS = [1, 7, 30, 365] as const;

export function SearchFilters({ filters, projects, onChange }: Props) {
  const texts = useTexts().app;
  const words = texts.search;
  const named = (all: readonly Project[]) => all.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div className="palette-filters">
      <Select
        label={texts.panel.project}
        any={texts.panel.allProjects}
        options={named(projects)}
        value={filters.projectId}
        onChange={(projectId) => onChange({ ...filters, projectId })}
      />
      <Select
        label={words.state}
        any={texts.panel.allStates}
        options={SESSION_STATES.map((state) => ({ value: state, label: texts.states[state] }))}
        value={filters.state}
        onChange={(state) => onChange({ ...filters, state })}
      />
      <Select
        label={words.role}
        any={words.anyRole}
        options={ROLES.map((role) => ({ value: role, label: words.roles[role] }))}
        value={filters.role}
        onChange={(role) => onChange({ ...filters, role })}
      />
      <Select
        label={words.time}
        any={words.anyTime}
        options={DAYS.map((days) => ({ value: String(days), label: words.days(days) }))}
        value={filters.days === null ? null : String(filters.days)}
        onChange={(days) => onChange({ ...filters, days: days === null ? null : Number(days) })}
      />
    </div>
  );
}
