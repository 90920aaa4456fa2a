/** Holds the first load of the page to its budget: what the entry needs before it can show anything, as it travels. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

type Bundle = Rolldown.OutputBundle;

export const BUDGET_BYTES = 250 * 1024;
/** Asked for by index.html itself. */
const BESIDE = ["public/first-paint.js"];

/** Prints the sum of each build, and fails the build that is above the budget. */
export function firstLoadBudget(): Plugin {
  return {
    name: "parley-first-load-budget",
    apply: "build",
    writeBundle(_options, bundle) {
      const sizes = [...sizesOf(bundle), ...BESIDE.map((file) => [file, packed(readFileSync(file))] as const)];
      const total = sizes.reduce((sum, [, size]) => sum + size, 0);
      const parts = sizes.map(([name, size]) => `  ${name} ${kilobytes(size)}`).join("\n");
      this.info(`first load ${kilobytes(total)} of ${kilobytes(BUDGET_BYTES)} (gzip)\n${parts}`);
      if (total > BUDGET_BYTES) this.error("The first load is over its budget: load what is not needed at once later");
    },
  };
}

/** The entry with everything it imports at once, and their styles. */
function sizesOf(bundle: Bundle): readonly (readonly [string, number])[] {
  const entry = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry);
  if (entry === undefined) throw new Error("The build has no entry");
  const wanted = new Set<string>([entry.fileName]);
  for (const name of wanted) {
    const file = bundle[name];
    if (file?.type !== "chunk") continue;
    for (const needed of [...file.imports, ...(file.viteMetadata?.importedCss ?? [])]) wanted.add(needed);
  }
  return [...wanted].map((name) => [name, packed(contentOf(bundle[name]))] as const);
}

function contentOf(file: Bundle[string] | undefined): string | Uint8Array {
  if (file === undefined) throw new Error("The build imports a file that it does not have");
  return file.type === "chunk" ? file.code : file.source;
}

function packed(content: string | Uint8Array): number {
  return gzipSync(content).byteLength;
}

function kilobytes(size: number): string {
  return `${(size / 1024).toFixed(1)} KB`;
}
