/** The projects: new ones, other names, and those that are no longer needed. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { Folder, Pencil, Trash2 } from "lucide-react";
import type { Project } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import { IconButton } from "../parts/IconButton";
import { TitleInput } from "../parts/TitleInput";
import type { Projects } from "./useProjects";

export default function ProjectsDialog({ projects, onClose }: { projects: Projects; onClose: () => void }) {
  const texts = useTexts().app.projects;
  const [name, setName] = useState("");
  const create = (event: SubmitEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    projects.create(name.trim());
    setName("");
  };
  return (
    <Dialog title={texts.title} onClose={onClose} testId="projects">
      <ul className="project-list">
        {projects.all.map((project) => (
          <ProjectLine key={project.id} project={project} projects={projects} />
        ))}
      </ul>
      <form className="project-new" onSubmit={create}>
        <input
          aria-label={texts.newName}
          placeholder={texts.newName}
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <button type="submit" className="primary" disabled={name.trim() === ""}>
          {texts.create}
        </button>
      </form>
    </Dialog>
  );
}

function ProjectLine({ project, projects }: { project: Project; projects: Projects }) {
  const texts = useTexts();
  const [doing, setDoing] = useState<"editing" | "deleting" | null>(null);
  if (doing === "editing") {
    return (
      <li className="project">
        <TitleInput
          title={project.name}
          onSave={(name) => projects.rename(project, name)}
          onEnd={() => setDoing(null)}
        />
      </li>
    );
  }
  if (doing === "deleting") {
    return (
      <li className="project" role="group" aria-label={texts.app.projects.sure(project.name)}>
        <span>{texts.app.projects.sure(project.name)}</span>
        <button type="button" onClick={() => setDoing(null)} autoFocus>
          {texts.common.cancel}
        </button>
        <button type="button" className="danger" onClick={() => projects.remove(project)}>
          {texts.common.delete}
        </button>
      </li>
    );
  }
  return (
    <li className="project">
      <Folder size={15} aria-hidden="true" />
      <span>{project.name}</span>
      <IconButton label={texts.app.projects.rename(project.name)} onClick={() => setDoing("editing")}>
        <Pencil size={14} />
      </IconButton>
      <IconButton label={texts.app.projects.remove(project.name)} onClick={() => setDoing("deleting")}>
        <Trash2 size={14} />
      </IconButton>
    </li>
  );
}
