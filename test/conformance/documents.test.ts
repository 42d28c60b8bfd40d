import { describe, expect, it } from "vitest";
import accountTables from "../../docs/build/storage.md?raw";
import otherTables from "../../docs/build/storage-operations.md?raw";
import configuration from "../../docs/run/configuration.md?raw";
import source from "../../src/settings.ts?raw";
import { sqlAll } from "../support/fixtures.ts";

const storage = [accountTables, otherTables].join("\n");

interface Table {
  name: string;
  columns: string[];
  indexes: string[];
}

async function listTables(): Promise<Table[]> {
  const rows = await sqlAll<{ type: string; name: string; tbl_name: string }>(
    "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*_search_*'",
  );
  const ofApplication = rows.filter(({ tbl_name }) => !/^(_cf|d1_|sqlite_)/.test(tbl_name));
  const tables = ofApplication.filter(({ type }) => type === "table");
  return Promise.all(
    tables.map(async ({ name }) => ({
      name,
      columns: (
        await sqlAll<{ name: string }>(`SELECT name FROM pragma_table_info('${name}')`)
      ).map((column) => column.name),
      indexes: ofApplication
        .filter(({ type, tbl_name }) => type === "index" && tbl_name === name)
        .map((index) => index.name),
    })),
  );
}

function sectionOf(table: string): string {
  return storage.split(`\n### ${table}\n`)[1]?.split(/\n##/)[0] ?? "";
}

const namesIn = (text: string) =>
  [...text.matchAll(/`([a-z0-9_]+)`/g)].map(([, name = ""]) => name);

/** The columns that a section describes: those in the first cells of its table, or all names if it has none. */
function columnsIn(section: string): string[] {
  const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = ""]) => cell);
  return namesIn(cells.length > 0 ? cells.join() : section);
}

describe("docs/build/storage.md and storage-operations.md", () => {
  it("describes every table with all of its columns and indexes", async () => {
    const tables = await listTables();
    expect(tables.length).toBeGreaterThan(10);
    for (const { name, columns, indexes } of tables) {
      const section = sectionOf(name);
      expect(columnsIn(section), name).toEqual(expect.arrayContaining(columns));
      expect(namesIn(section), name).toEqual(expect.arrayContaining(indexes));
    }
  });

  it("names no index that does not exist", async () => {
    const tables = await listTables();
    const views = await sqlAll<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'view'",
    );
    const known = [
      ...views.map(({ name }) => name),
      ...tables.flatMap(({ name, columns, indexes }) => [name, ...columns, ...indexes]),
    ];
    for (const { name } of tables) {
      const named = namesIn(sectionOf(name)).filter((text) => text.startsWith(`${name}_`));
      expect(known, name).toEqual(expect.arrayContaining(named));
    }
  });
});

describe("docs/run/configuration.md", () => {
  it("lists every setting, and no other", () => {
    const [, schema = ""] =
      /export const SETTINGS = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(source) ?? [];
    const settings = [...schema.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name]) => name);
    const listed = [...configuration.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(settings.length).toBeGreaterThan(30);
    expect(listed.toSorted()).toEqual(settings.toSorted());
  });
});
