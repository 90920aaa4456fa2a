/** The projects of the server, read when they are wanted and after each change that is made here. */

import { useCallback, useEffect, useMemo, useState } from "react";
import type { HubClient, Project } from "@parley/client";
import { attempt } from "../lib/attempt";

export interface Projects {
  readonly all: readonly Project[];
  readonly create: (name: string) => void;
  readonly rename: (project: Project, name: string) => void;
  readonly remove: (project: Project) => void;
}

const NONE: readonly Project[] = [];

export function useProjects(hub: HubClient): Projects {
  const [all, setAll] = useState(NONE);
  const read = useCallback(() => hub.rest.projects().then(({ projects }) => setAll(projects)), [hub]);
  useEffect(() => {
    // Until it works the list has no projects to choose from; a connection that comes back asks again.
    const quietly = () => void read().catch(() => undefined);
    quietly();
    return hub.connection.opened.listen(quietly);
  }, [hub, read]);
  useEffect(() => {
    // Projects are not told of by themselves: a session of one that is not known shows that there are new ones.
    const known = new Set(all.map(({ id }) => id));
    return hub.connection.on("session", ({ session }) => {
      if (session && !known.has(session.projectId)) void read().catch(() => undefined);
    });
  }, [hub, all, read]);
  return useMemo(() => {
    const path = ({ id }: Project) => ({ projectId: id });
    const changed = (work: Promise<unknown>) => void attempt(work.then(read));
    return {
      all,
      create: (name) => changed(hub.rest.createProject(name)),
      rename: (project, name) =>
        changed(hub.rest.request("patch", "/api/projects/{projectId}", { path: path(project), body: { name } })),
      remove: (project) => changed(hub.rest.request("delete", "/api/projects/{projectId}", { path: path(project) })),
    };
  }, [hub, all, read]);
}
