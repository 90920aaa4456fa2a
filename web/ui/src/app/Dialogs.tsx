/** The dialogs of the frame, each fetched when it is first opened. */

import { lazy, Suspense } from "react";
import type { HubClient } from "@parley/client";
import type { Projects } from "./useProjects";
import type { UserStateStore } from "@parley/client";

export type DialogName = "search" | "preferences" | "shortcuts" | "projects";

const SearchDialog = lazy(() => import("./SearchDialog"));
const PreferencesDialog = lazy(() => import("./PreferencesDialog"));
const ShortcutSheet = lazy(() => import("./ShortcutSheet"));
const ProjectsDialog = lazy(() => import("./ProjectsDialog"));

interface Props {
  readonly open: DialogName | null;
  readonly hub: HubClient;
  readonly state: UserStateStore;
  readonly projects: Projects;
  readonly onClose: () => void;
}

export function Dialogs({ open, ...props }: Props) {
  if (open === null) return null;
  return (
    <Suspense fallback={null}>
      <Chosen open={open} {...props} />
    </Suspense>
  );
}

function Chosen({ open, hub, state, projects, onClose }: Props & { open: DialogName }) {
  switch (open) {
    case "search":
      return <SearchDialog hub={hub} projects={projects} onClose={onClose} />;
    case "preferences":
      return <PreferencesDialog hub={hub} state={state} onClose={onClose} />;
    case "shortcuts":
      return <ShortcutSheet onClose={onClose} />;
    case "projects":
      return <ProjectsDialog projects={projects} onClose={onClose} />;
  }
}
