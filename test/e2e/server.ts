import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readVars } from "../../scripts/lib/dev-vars.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const START_TIMEOUT_MS = 300_000;
const POLL_MS = 250;
/** What wrangler prints, and then goes on to wait, if workerd cannot start. */
const START_FAILURE = "The Workers runtime failed to start";

export interface DevServer {
  url: string;
  admin: { username: string; password: string };
  /** The flags that select its database in scripts and wrangler. */
  database: string[];
  /** A pattern of the shell for the files with the texts of its mails. */
  mails: string;
  /** The output printed so far. */
  readOutput(): string;
}

interface Place {
  /** The project's folder, or a copy of it. */
  folder: string;
  /** Where the database is. */
  state: string;
}

/**
 * Runs `work` against a new worker, started like `npm run dev`, with the given settings and a database that contains only the
 * administrator.
 */
export async function withDevServer(
  work: (server: DevServer) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), "roster-e2e-"));
  try {
    await withDevServerAt({ folder: ROOT, state }, work, settings);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

/** As `withDevServer`, in another folder or with a database that remains. */
export async function withDevServerAt(
  { folder, state }: Place,
  work: (server: DevServer) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const port = await findFreePort();
  const vars = Object.entries({ REGISTRATION: "open", ...settings });
  // By itself, wrangler takes an inspector port that another worker, which starts at the same time, takes as well.
  const inspector = ["--inspector-port", String(await findFreePort())];
  const flags = ["--port", String(port), ...inspector, "--persist-to", state];
  for (const [name, value] of vars) flags.push("--var", `${name}:${value}`);
  const temporary = await mkdtemp(join(tmpdir(), "roster-e2e-tmp-"));
  const child = spawn(process.execPath, ["scripts/dev.ts", ...flags], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  try {
    await waitForWelcome(child, () => output);
    const secrets = readVars(join(folder, ".dev.vars")) ?? {};
    const admin = {
      username: secrets.DEV_ADMIN_USERNAME ?? "",
      password: secrets.DEV_ADMIN_PASSWORD ?? "",
    };
    const database = ["--local", "--persist-to", state];
    const mails = await findMails(temporary);
    const url = `http://localhost:${port}`;
    await work({ url, admin, database, mails, readOutput: () => output });
  } catch (error) {
    console.error(output);
    throw error;
  } finally {
    child.kill("SIGTERM");
    await ended;
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Workers of one project write their mails to the same place. The folder of each there has the name of its temporary folder. */
async function findMails(temporary: string): Promise<string> {
  const names = (await readdir(temporary)).filter((name) => name.startsWith("miniflare-"));
  return names.map((name) => `.wrangler/tmp/email/${name}/email-text/*`).join(" ");
}

async function waitForWelcome(child: ChildProcess, readOutput: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!readOutput().includes("Try it:")) {
    const hasFailed = child.exitCode !== null || readOutput().includes(START_FAILURE);
    if (hasFailed) throw new Error("The worker did not start.");
    if (Date.now() > deadline) throw new Error("The worker is not ready.");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
