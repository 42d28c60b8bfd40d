import { execFile } from "node:child_process";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import express from "../../../clients/express/package.json" with { type: "json" };
import hono from "../../../clients/hono/package.json" with { type: "json" };
import root from "../../../package.json" with { type: "json" };
import { ROOT } from "../server.ts";

const run = promisify(execFile);

const PACKAGES = ["roster-client", "roster-verify", "roster-hono", "roster-express"];

const OTHERS = { ...hono.devDependencies, ...express.devDependencies };

/** Builds and packs the packages, and installs the files in an empty folder, as someone else would. Returns the folder. */
export async function installPacked(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "roster-clients-"));
  await run("npm", ["run", "clients:build"], { cwd: ROOT });
  const packages = PACKAGES.flatMap((name) => ["-w", name]);
  await run("npm", ["pack", ...packages, "--pack-destination", folder], { cwd: ROOT });
  const files = (await readdir(folder)).map((name) => `./${name}`);
  const others = Object.entries({ ...OTHERS, "@types/node": root.devDependencies["@types/node"] });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", ...files];
  await run("npm", [...args, ...others.map(([name, version]) => `${name}@${version}`)], {
    cwd: folder,
  });
  return folder;
}
