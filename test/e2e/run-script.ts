import { spawn } from "node:child_process";
import { ROOT } from "./server.ts";

interface Options {
  /** The folder in which it runs: the project, or a copy of it. */
  folder?: string;
  env?: NodeJS.ProcessEnv;
  /** What it reads from standard input. */
  input?: string;
}

/** Runs one of the project's scripts. Returns its exit code, and all that it printed. */
export async function runScript(
  script: string,
  args: readonly string[],
  { folder = ROOT, env = process.env, input = "" }: Options = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [script, ...args], { cwd: folder, env });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}
