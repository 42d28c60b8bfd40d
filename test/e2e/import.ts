// npm run test:import [-- COUNT]: imports COUNT users (5,000 by default) with `npm run import` against a worker of its own, interrupts
// it, and checks that everybody is there once, that rejects are reported, and how long it took.
import { ok, strictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCommandLine, readCount } from "../../scripts/lib/command-line.ts";
import { ROOT, withDevServer } from "./server.ts";

const USAGE = `Usage:
  npm run test:import [-- COUNT]
Imports COUNT users, 5000 by default, against a worker of its own.`;

const { positionals } = readCommandLine(USAGE, { allowPositionals: true });
const count = readCount(USAGE, "COUNT", positionals[0] ?? "5000");
const HASH = "$2b$04$m0CrhHm10qJ3lXRY.5zDGOKVhV4wJr4AHsiKqsGPgoHpOtQnTSAAO";
const SETTINGS = { RATE_LIMIT_WRITE: "0", RATE_LIMIT_READ: "0", RATE_LIMIT_AUTH: "0" };

const folder = await mkdtemp(join(tmpdir(), "roster-import-"));
try {
  const file = join(folder, "people.ndjson");
  await writeFile(file, createRows());
  await writeFile(`${file}.rejects.ndjson`, "", { mode: 0o644 });
  await expectNoRedirect(file);
  await withDevServer(async ({ url, admin }) => {
    const token = await logIn(url, admin);
    const begunAt = Date.now();
    const first = await runScript([file, "--url", url], token, { isInterrupted: true });
    strictEqual(first.code, 130, first.output);
    const second = await runScript([file, "--url", url], token);
    strictEqual(second.code, 2, second.output);
    console.log(
      `${second.output.trim()}\n${(Date.now() - begunAt) / 1000} seconds for ${count} users.`,
    );
    await expectRejects(file);
    strictEqual(await countExported(url, token), count + 1);
    const third = await runScript([file, "--url", url], token);
    strictEqual(third.code, 1, third.output);
  }, SETTINGS);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function createRows(): string {
  const rows = Array.from({ length: count }, (_, i) => ({
    email: `person${i}@import.example`,
    first_name: `Person ${i}`,
    email_verified: true,
    password_hash: HASH,
  }));
  const lines = rows.map((row) => JSON.stringify(row));
  lines.splice(Math.floor(count / 2), 0, '{ "email": "nobody" }', "no JSON");
  return `${lines.join("\n")}\n`;
}

async function logIn(url: string, { username, password }: { username: string; password: string }) {
  const response = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function runScript(args: readonly string[], token: string, { isInterrupted = false } = {}) {
  const child = spawn(process.execPath, ["scripts/import.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, ROSTER_TOKEN: token },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      // After the first call, which the script reports.
      if (isInterrupted && output === "") child.kill("SIGINT");
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}

async function expectRejects(file: string): Promise<void> {
  const text = await readFile(`${file}.rejects.ndjson`, "utf8");
  const rejects = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { text: string });
  strictEqual(rejects.length, 2, text);
  strictEqual(rejects[1]?.text, "no JSON");
  strictEqual((await stat(`${file}.rejects.ndjson`)).mode & 0o777, 0o600);
}

// An API key and password hashes must not go to the host that a redirect names.
async function expectNoRedirect(file: string): Promise<void> {
  let forwarded = 0;
  const other = createServer((_, response) => {
    forwarded += 1;
    response.end("{}");
  }).listen(0);
  const toUrl = (server: typeof other) =>
    `http://localhost:${(server.address() as AddressInfo).port}`;
  const redirecting = createServer((_, response) => {
    response.writeHead(308, { Location: toUrl(other) }).end();
  }).listen(0);
  const { code, output } = await runScript([file, "--url", toUrl(redirecting)], "rstk_key");
  for (const server of [other, redirecting]) server.close();
  strictEqual(code, 1, output);
  ok(output.includes("redirects to"), output);
  strictEqual(forwarded, 0);
}

async function countExported(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/v1/users/export`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  ok(text.endsWith("\n"));
  return text.trimEnd().split("\n").length;
}
