/**
 * Writes src/api/schema.gen.ts from the control plane's OpenAPI document, which this prints without a server:
 * `docs/reference/generate.py --openapi`. With --check nothing is written: it fails if the file is not of now.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import openapiTS, { astToString } from "openapi-typescript";

const root = resolve(import.meta.dirname, "../..");
const path = resolve(root, "frontend/src/api/schema.gen.ts");
const python = process.env.PYTHON ?? resolve(root, ".venv/bin/python");
const document = JSON.parse(
  execFileSync(python, ["docs/reference/generate.py", "--openapi"], { cwd: root, maxBuffer: 1 << 26 }).toString(),
);
const header = "/* Written by `make web-types` from the OpenAPI document. Do not edit. */\n";
const text = header + astToString(await openapiTS(document, { alphabetize: true, defaultNonNullable: false, enumValues: true }));
if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== text) {
    console.error("frontend/src/api/schema.gen.ts is not of this API: run `make web-types`.");
    process.exit(1);
  }
} else {
  writeFileSync(path, text);
}
