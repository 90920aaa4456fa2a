/** What the panel's list is narrowed to and how it is sorted: a field, and more behind a button. */

import { useId, useState } from "react";
import type { KeyboardEvent } from "react";
import { Search, SlidersHorizontal, X } from "lucide-react";
import type { Project, Session } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { Select } from "../parts/Select";
import { SESSION_STATES } from "./SearchFilters";
import { ALL } from "./sessionHistory";
import type { Criteria } from "./sessionHistory";

interface Props {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly options: Criteria;
  readonly onOptions: (options: Criteria) => void;
  readonly projects: readonly Project[];
  readonly onProjects: () => void;
}

export function Filter({ value, onChange, options, ...more }: Props) {
  const words = useTexts().app.panel;
  const [open, setOpen] = useState(false);
  const id = useId();
  const onKeyDown = (event: KeyboardEvent) => {
    // Escape empties the field before it closes the drawer.
    if (event.key !== "Escape" || value === "") return;
    event.preventDefault();
    onChange("");
  };
  return (
    <>
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
          <IconButton label={words.clearFilter} className="clear" onClick={() => onChange("")}>
            <X size={14} />
          </IconButton>
        )}
        <IconButton
          label={words.options}
          aria-expanded={open}
          aria-controls={id}
          data-set={options !== ALL && !same(options, ALL)}
          data-testid="list-options"
          onClick={() => setOpen(!open)}
        >
          <SlidersHorizontal size={14} />
        </IconButton>
      </div>
      <div id={id} className="panel-options" hidden={!open}>
        <Options options={options} {...more} />
      </div>
    </>
  );
}

function Options({ options, onOptions, projects, onProjects }: Omit<Props, "value" | "onChange">) {
  const { panel: words, states, projects: project } = useTexts().app;
  const sorts = (["updated", "created", "title"] as const).map((value) => ({ value, label: words.sorts[value] }));
  const change = (changed: Partial<Criteria>) => onOptions({ ...options, ...changed });
  return (
    <>
      <Select
        label={words.project}
        any={words.allProjects}
        options={projects.map(({ id, name }) => ({ value: id, label: name }))}
        value={options.projectId}
        onChange={(projectId) => change({ projectId })}
        testId="list-project"
      />
      <Select
        label={words.showWhich}
        options={[
          { value: "current", label: words.archivedHidden },
          { value: "archived", label: words.archivedOnly },
        ]}
        value={options.archived ? "archived" : "current"}
        onChange={(which) => change({ archived: which === "archived" })}
        testId="list-archived"
      />
      <Select
        label={words.state}
        any={words.allStates}
        options={SESSION_STATES.map((state) => ({ value: state, label: states[state] }))}
        value={options.state}
        onChange={(state) => change({ state: state as Session["state"] | null })}
        testId="list-state"
      />
      <Select
        label={words.sortBy}
        options={sorts}
        value={options.sort}
        onChange={(sort) => change({ sort: sort as Criteria["sort"] })}
        testId="list-sort"
      />
      <button type="button" className="quiet" onClick={onProjects} data-testid="open-projects">
        {project.manage}
      </button>
    </>
  );
}

function same(a: Criteria, b: Criteria): boolean {
  return a.sort === b.sort && a.projectId === b.projectId && a.state === b.state && a.archived === b.archived;
}
