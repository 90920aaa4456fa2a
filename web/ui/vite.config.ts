/** How the page is built: the app under dist/, the API reference (Swagger UI, bundled) under dist/docs/. */

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";
import { firstLoadBudget } from "./budget.ts";

const SERVER = process.env["PARLEY_SERVER"] ?? "http://127.0.0.1:8765";
const DOCS_FILES = ["swagger-ui.css", "swagger-ui-bundle.js"];

/** Puts the two files of Swagger UI that the reference needs beside public/docs/, so that no CDN is asked. */
function bundledDocs(): Plugin {
  const { resolve } = createRequire(import.meta.url);
  return {
    name: "parley-bundled-docs",
    apply: "build",
    generateBundle() {
      for (const file of DOCS_FILES) {
        const source = readFileSync(resolve(`swagger-ui-dist/${file}`));
        this.emitFile({ type: "asset", fileName: `docs/${file}`, source });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), bundledDocs(), firstLoadBudget()],
  // The client package is taken as source: it needs no build of its own here.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["source", ...defaultServerConditions] } },
  // Nothing inlined as data: the server's content security policy allows its own files only.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2023" },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
