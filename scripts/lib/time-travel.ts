import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./fail.ts";
import { runWrangler } from "./wrangler.ts";

/** A database: the wrangler flags that select it, and where a local one is. */
export interface Database {
  where: readonly string[];
  /** The folder of wrangler's local state; undefined for a remote database. */
  state: string | undefined;
  /** Flags such as `--env`, without `--remote` or `--local`. */
  target: readonly string[];
}

const LOCAL_BOOKMARK = /^local-\d{13}$/;

/**
 * The bookmark of the current state of a database, or of an earlier one, for `restoreBookmark`. D1 keeps remote databases for 30 days.
 * Of a local one, whose worker should be stopped, it makes a copy.
 */
export async function takeBookmark(database: Database, timestamp?: string): Promise<string> {
  const { state, target } = database;
  if (state === undefined) {
    const at = timestamp === undefined ? [] : ["--timestamp", timestamp];
    const output = await timeTravel(["info", "DB", "--json", ...at, ...target]);
    return readBookmark(output);
  }
  if (timestamp !== undefined) throw new UsageError("A local database needs --bookmark.");
  const bookmark = `local-${Date.now()}`;
  mkdirSync(join(state, "bookmarks"), { recursive: true, mode: 0o700 });
  cpSync(folderOf(state), join(state, "bookmarks", bookmark), { recursive: true });
  return bookmark;
}

/** Replaces the database by its state at a bookmark. */
export async function restoreBookmark(database: Database, bookmark: string): Promise<void> {
  const { state, target } = database;
  if (state === undefined) {
    await timeTravel(["restore", "DB", "--json", "--bookmark", bookmark, ...target]);
    return;
  }
  requireBookmark(database, bookmark);
  const folder = folderOf(state);
  const copy = `${folder}.restored`;
  cpSync(join(state, "bookmarks", bookmark), copy, { recursive: true });
  rmSync(folder, { recursive: true });
  renameSync(copy, folder);
}

/** Throws a UsageError if a local database has no such bookmark. */
export function requireBookmark({ state }: Database, bookmark: string): void {
  if (state === undefined) return;
  if (LOCAL_BOOKMARK.test(bookmark) && existsSync(join(state, "bookmarks", bookmark))) return;
  throw new UsageError(`There is no local bookmark ${bookmark}.`);
}

function folderOf(state: string): string {
  const folder = join(state, "v3", "d1");
  if (existsSync(folder)) return folder;
  throw new UsageError(`There is no local database in ${state}.`);
}

function timeTravel(args: readonly string[]): Promise<string> {
  return runWrangler(["d1", "time-travel", ...args]);
}

function readBookmark(output: string): string {
  const { bookmark } = JSON.parse(output.slice(output.indexOf("{"))) as { bookmark?: unknown };
  if (typeof bookmark === "string" && bookmark !== "") return bookmark;
  throw new UsageError("D1 returned no bookmark.");
}
