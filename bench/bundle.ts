import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const run = promisify(execFile);

export interface Bundle {
  script: string;
  gzipBytes: number;
}

/** Bundles a worker as `wrangler deploy` does, without uploading it. */
export async function bundle(configPath: URL): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), "roster-bundle-"));
  try {
    const flags = ["--dry-run", "--outdir", folder, "--config", configPath.pathname];
    await run("wrangler", ["deploy", ...flags]);
    const name = configPath.pathname.endsWith("floor.toml") ? "floor.js" : "index.js";
    const script = await readFile(join(folder, name), "utf8");
    return { script, gzipBytes: (await promisify(gzip)(script)).byteLength };
  } finally {
    await rm(folder, { recursive: true });
  }
}
