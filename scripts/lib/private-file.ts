import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OWNER_ONLY = 0o600;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Writes a file that only its owner may read, whoever could read it before. */
export function writePrivateFile(path: string, text: string): void {
  // The mode below applies to a new file only.
  if (existsSync(path)) chmodSync(path, OWNER_ONLY);
  writeFileSync(path, text, { mode: OWNER_ONLY });
}

/**
 * Gives another program a text that must not be among its arguments, because every process on the machine can read those: in a
 * temporary file that only its owner may read. The file is removed afterwards, also if `work` fails or a signal ends the script.
 */
export async function withPrivateFile<T>(
  text: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "roster-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const stop = () => {
    remove();
    process.exit(1);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const path = join(folder, "input");
    writePrivateFile(path, text);
    return await work(path);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    remove();
  }
}
