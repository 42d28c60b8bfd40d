import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../server.ts";
import type { Scene } from "./test.ts";

const run = promisify(execFile);

const SHOWN_URL = "https://accounts.example.com";
const EXAMPLE = /```ts\n([\s\S]*?)```/g;
const PROGRAMS = ["typescript", "verify", "hono", "express"];

const COMPILER_OPTIONS = {
  module: "nodenext",
  target: "es2024",
  types: ["node"],
  strict: true,
  noEmit: true,
};

/** What the examples print, without what depends on the machine. */
const PRINTED = {
  typescript: [
    "admin has 20 permissions.",
    "409 username_taken: ",
    "Choose another name.",
    "admin is still logged in.",
    "admin is an administrator.",
  ],
  verify: ["401 Bearer"],
};

/** The examples of the READMEs, one program each, compile against the packed types, and those of clients run. */
export async function testReadmes(scene: Scene): Promise<string> {
  const { folder, server } = scene;
  for (const name of PROGRAMS) {
    await writeFile(join(folder, fileOf(name)), await readProgram(scene, name));
  }
  const config = { compilerOptions: COMPILER_OPTIONS, files: PROGRAMS.map(fileOf) };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]).catch(({ stdout }) =>
    assert.fail(stdout),
  );
  for (const [name, lines] of Object.entries(PRINTED)) {
    const { stdout } = await run(process.execPath, [fileOf(name)], {
      cwd: folder,
      env: { ...process.env, ROSTER_PASSWORD: server.admin.password },
    });
    const printed = stdout.split("\n");
    for (const line of lines) {
      assert.ok(
        printed.some((text) => text.startsWith(line)),
        `“${line}” is not in\n${stdout}`,
      );
    }
  }
  return "the examples compile, and run from the packed files";
}

function fileOf(name: string): string {
  return `${name}-example.ts`;
}

/** The program that the examples of a README make, for the worker of the test. */
export async function readProgram({ server }: Scene, name: string): Promise<string> {
  const page = await readFile(join(ROOT, "clients", name, "README.md"), "utf8");
  const examples = [...page.matchAll(EXAMPLE)].map(([, code]) => code);
  assert.ok(examples.length > 0, `${name} has no example`);
  return examples.join("\n").replaceAll(SHOWN_URL, server.url);
}
