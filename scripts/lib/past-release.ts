import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { UsageError } from "./fail.ts";

const HEADING = /^## \[(\d+\.\d+\.\d+)\]/gm;
const MAX_BYTES = 256 * 1024 * 1024;

/** A release of the past: its version, and the commit that CHANGELOG.md names in its link definition. */
interface PastRelease {
  version: string;
  commit: string;
}

/** The newest release in the change log that is older than `version`. Throws a UsageError if it names no commit. */
function findPreviousRelease(changelog: string, version: string): PastRelease {
  const versions = [...changelog.matchAll(HEADING)].map(([, number = ""]) => number);
  const previous = versions.at(versions.indexOf(version) + 1);
  if (!versions.includes(version) || previous === undefined) {
    throw new UsageError(
      `CHANGELOG.md has no section for ${version}, or none for a release before it.`,
    );
  }
  const link = new RegExp(`^\\[${previous.replaceAll(".", "\\.")}\\]: \\S+/([0-9a-f]{40})$`, "m");
  const [, commit] = link.exec(changelog) ?? [];
  if (commit) return { version: previous, commit };
  throw new UsageError(
    `CHANGELOG.md: the link definition of [${previous}] must end with the commit of the release.`,
  );
}

/** The release before the one in this folder. */
export function readPreviousRelease(): PastRelease {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  return findPreviousRelease(readFileSync("CHANGELOG.md", "utf8"), version);
}

/**
 * Runs `work` in a temporary copy of the project as it was at a commit, tag or branch, with the packages of this folder. Throws a
 * UsageError that says how to fetch the history if this checkout does not have it.
 */
export async function withPastProject<T>(
  ref: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "roster-past-"));
  try {
    extract(ref, folder);
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function extract(ref: string, folder: string): void {
  const archive = spawnSync("git", ["archive", "--format=tar", ref], { maxBuffer: MAX_BYTES });
  if (archive.status !== 0) {
    const isRepository = spawnSync("git", ["rev-parse", "--git-dir"]).status === 0;
    throw new UsageError(
      isRepository
        ? `This checkout does not have ${ref}. Fetch the whole history, and try again: git fetch --unshallow --tags origin (or, if it is not shallow: git fetch --tags origin)`
        : `This folder is not a git checkout, so that ${ref} cannot be read. Clone the repository with its history, and try again there.`,
    );
  }
  const tar = spawnSync("tar", ["-x", "-C", folder], { input: archive.stdout });
  if (tar.status !== 0) throw new UsageError(`tar failed: ${tar.error?.message ?? tar.stderr}`);
}
