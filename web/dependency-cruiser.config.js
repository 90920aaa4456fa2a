/** Which way imports may go, types too: no circles, and the folders of the page one above the other. */

const UI = "^ui/src/";

/** From the bottom up: each may import what stands before it. */
const ROOMS = ["i18n", "lib", "parts", "transcript", "session", "app"];

/** A room, and those above it, which it must not import. */
const upwards = ROOMS.slice(0, -1).map((room, at) => ({
  name: `ui-${room}-imports-nothing-above-it`,
  severity: "error",
  from: { path: `${UI}${room}/` },
  to: { path: `${UI}((${ROOMS.slice(at + 1).join("|")})/|[^/]+$)` },
}));

export default {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-import-that-is-not-there", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "ui-knows-the-client-by-its-package",
      severity: "error",
      from: { path: UI },
      to: { path: "^client/src/", pathNot: "^client/src/(index|testing)\\.ts$" },
    },
    ...upwards,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { conditionNames: ["source", "import", "types", "default"], exportsFields: ["exports"] },
  },
};
