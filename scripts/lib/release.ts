import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What is deployed: the version, and the commit if the project is a git checkout. */
export interface Release {
  version: string;
  /** The short id of the commit; undefined outside of git. */
  commit: string | undefined;
  /** Whether files differ from the commit. */
  isChanged: boolean;
}

/** Reads what this folder would deploy. */
export function readRelease(): Release {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const commit = git("rev-parse", "--short", "HEAD");
  const changes = git("status", "--porcelain");
  return { version, commit, isChanged: commit !== undefined && Boolean(changes) };
}

/** How a release is shown: `0.2.0 (1a2b3c4)`. */
export function describeRelease({ version, commit, isChanged }: Release): string {
  if (commit === undefined) return version;
  return `${version} (${commit}${isChanged ? ", changed" : ""})`;
}

/** The output of a git command; undefined if it fails. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
