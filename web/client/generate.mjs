/** Makes src/generated/api.ts of the server's own document: `npm run generate`. With --check it only compares. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TARGET = fileURLToPath(new URL("src/generated/api.ts", import.meta.url));
const HEADER = "/** Made of the server's models by `npm run generate`. Never edited by hand. */\n\n";
const IN_CHECKOUT = join(ROOT, ".venv/bin/python");
const PYTHON = process.env["PARLEY_PYTHON"] ?? (existsSync(IN_CHECKOUT) ? IN_CHECKOUT : "python3");

/** Titles of single fields only repeat their names. */
function withoutTitle(key, value) {
  return key === "title" && typeof value === "string" && value !== "Parley" ? undefined : value;
}

/** Every refusal has the same body, `ErrorBody`: listed with each path it would be most of the file. */
function withoutFailures(document) {
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.responses = Object.fromEntries(
      Object.entries(operation.responses).filter(([status]) => Number(status) < 400),
    );
  }
  return document;
}

const folder = mkdtempSync(join(tmpdir(), "parley-schema-"));
try {
  const printed = execFileSync(PYTHON, ["-m", "web.rest.schema"], { cwd: ROOT, encoding: "utf8" });
  const document = JSON.parse(printed, withoutTitle);
  const file = join(folder, "openapi.json");
  writeFileSync(file, JSON.stringify(withoutFailures(document)));
  const nodes = await openapiTS(new URL(`file://${file}`), { immutable: true, defaultNonNullable: false });
  const made = HEADER + astToString(nodes);
  if (!process.argv.includes("--check")) writeFileSync(TARGET, made);
  else if (readFileSync(TARGET, "utf8") !== made) {
    console.error("src/generated/api.ts is not what the server's code gives: run `npm run generate` in web/client");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
