/** What a page pays for the client, beside socket.io-client. */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { build } from "vite";
import type { Rolldown } from "vite";

const LIMIT_BYTES = 12_800;

test("all of it is about twelve kilobytes", async () => {
  const made = await build({
    root: fileURLToPath(new URL("..", import.meta.url)),
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      target: "es2023",
      modulePreload: false,
      rolldownOptions: { input: "src/index.ts", preserveEntrySignatures: "strict", external: ["socket.io-client"] },
    },
  });
  const [bundle] = (Array.isArray(made) ? made : [made]) as Rolldown.RolldownOutput[];
  const size = gzipSync(bundle?.output[0].code ?? "").length;
  expect(size).toBeLessThan(LIMIT_BYTES);
  expect(size).toBeGreaterThan(LIMIT_BYTES / 2);
});
