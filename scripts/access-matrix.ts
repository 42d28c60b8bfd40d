// npm run docs:access: writes docs/access.md, the table of which callers may call which operation.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type AccessDocument, renderAccessMatrix } from "./lib/access-matrix.ts";
import { buildDocument } from "./lib/document.ts";
import { main } from "./lib/fail.ts";

const ROOT = new URL("../", import.meta.url);

await main(async () => {
  const file = new URL("docs/access.md", ROOT);
  const document = (await buildDocument()) as AccessDocument;
  writeFileSync(file, renderAccessMatrix(document, readSystemRoles()));
  console.log("Wrote docs/access.md.");
});

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
