// npm run docs:access: writes docs/access.md, the table of which callers may call which operation.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { type AccessDocument, renderAccessMatrix } from "./lib/access-matrix.ts";
import { main } from "./lib/fail.ts";

const ROOT = new URL("../", import.meta.url);

await main(async () => {
  const file = new URL("docs/access.md", ROOT);
  writeFileSync(file, renderAccessMatrix(await buildDocument(), readSystemRoles()));
  console.log("Wrote docs/access.md.");
});

// The worker's bundler supports named imports from JSON. Node does not.
async function buildDocument(): Promise<AccessDocument> {
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith(".json")) return nextLoad(url, context);
      const source = Object.entries(JSON.parse(readFileSync(new URL(url), "utf8")))
        .map(([name, value], i) => [`const v${i} = ${JSON.stringify(value)};`, name, i] as const)
        .map(([line, name, i]) => `${line} export { v${i} as ${JSON.stringify(name)} };`);
      return { format: "module", source: source.join("\n"), shortCircuit: true };
    },
  });
  const { createApp } = await import("../src/app.ts");
  const { buildOpenApiDocument } = await import("../src/operations/openapi.ts");
  hooks.deregister();
  return JSON.parse(JSON.stringify(buildOpenApiDocument(createApp()))) as AccessDocument;
}

/** The permissions of each system role after all migrations. */
function readSystemRoles(): Record<string, string[]> {
  const directory = new URL("migrations/", ROOT);
  const database = new DatabaseSync(":memory:");
  const files = readdirSync(directory).filter((name) => name.endsWith(".sql"));
  for (const file of files.sort()) database.exec(readFileSync(new URL(file, directory), "utf8"));
  const rows = database
    .prepare("SELECT name, permissions FROM roles WHERE is_system = 1")
    .all() as { name: string; permissions: string }[];
  database.close();
  return Object.fromEntries(rows.map(({ name, permissions }) => [name, JSON.parse(permissions)]));
}
