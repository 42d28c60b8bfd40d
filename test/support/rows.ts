import { sqlAll } from "./fixtures.ts";

/** The tables that requests fill. */
export async function listTables(): Promise<string[]> {
  const tables = await sqlAll<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*' AND name NOT GLOB 'sqlite*' AND name NOT GLOB 'users_search*'",
  );
  return tables.map(({ name }) => name);
}

/** How many rows each table has that requests fill, except for tables whose name matches. */
export async function countRows(left = /^$/): Promise<Record<string, unknown>> {
  const names = (await listTables()).filter((name) => !left.test(name));
  const counts = names.map(async (name) => {
    const [row] = await sqlAll(`SELECT count(*) AS total FROM "${name}"`);
    return [name, row?.total] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}
