// npm run test:import [-- COUNT]: imports COUNT users (5,000 by default) with `npm run import` against a worker of its own, interrupts
// it, and checks that everybody is there once, that rejects are reported, and how long it took.
import { ok, strictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, withDevServer } from "./server.ts";

const count = Number(process.argv[2] ?? 5000);
const HASH = "$2b$04$m0CrhHm10qJ3lXRY.5zDGOKVhV4wJr4AHsiKqsGPgoHpOtQnTSAAO";
const SETTINGS = { RATE_LIMIT_WRITE: "0", RATE_LIMIT_READ: "0", RATE_LIMIT_AUTH: "0" };

const folder = await mkdtemp(join(tmpdir(), "roster-import-"));
try {
  const file = join(folder, "people.ndjson");
  await writeFile(file, createRows());
  await withDevServer(async ({ url, admin }) => {
    const token = await logIn(url, admin);
    const begunAt = Date.now();
    const first = await runScript([file, "--url", url], token, { interruptsAfterMs: 1500 });
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

async function runScript(
  args: readonly string[],
  token: string,
  { interruptsAfterMs }: { interruptsAfterMs?: number } = {},
) {
  const child = spawn(process.execPath, ["scripts/import.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, ROSTER_TOKEN: token },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  if (interruptsAfterMs !== undefined) setTimeout(() => child.kill("SIGINT"), interruptsAfterMs);
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
}

async function countExported(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/v1/users/export`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  ok(text.endsWith("\n"));
  return text.trimEnd().split("\n").length;
}
