// ROSTER_TOKEN=… npm run import -- FILE [--from FORMAT] [--hash-parameters FILE] [--url URL]
import { readFile } from "node:fs/promises";
import { readCommandLine } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import { createSender } from "./lib/import-client.ts";
import { findFormat } from "./lib/import-formats.ts";
import { createProgress } from "./lib/import-progress.ts";
import { runImport, toRejectsPath } from "./lib/import-run.ts";
import { openState, toStatePath } from "./lib/import-state.ts";

const USAGE = `Usage:
  ROSTER_TOKEN=… npm run import -- FILE [--from roster|auth0|firebase|django|supabase] [--hash-parameters FILE] [--url URL]
FILE is newline-delimited JSON or a JSON array, of any length. Sends 1,000 users per call to POST /v1/users/import.
ROSTER_TOKEN is an API key or an access token with users:import and users:create. --url is http://localhost:8787 by default.
Interrupted, it continues where it stopped when it is started again. What is rejected is written to FILE.rejects.ndjson.`;

const OPTIONS = {
  from: { type: "string", default: "roster" },
  "hash-parameters": { type: "string" },
  url: { type: "string", default: "http://localhost:8787" },
} as const;

const EXIT_REJECTED = 2;
const EXIT_INTERRUPTED = 130;

await main(async () => {
  const { values, positionals } = parse();
  const [file, ...others] = positionals;
  if (!file || others.length > 0) throw new UsageError(USAGE);
  const credential = process.env.ROSTER_TOKEN;
  if (!credential) throw new UsageError(`ROSTER_TOKEN is not set.\n${USAGE}`);
  const toRow = findFormat(values.from);
  const state = await openState(file, values.from);
  if (state.isComplete) {
    throw new UsageError(
      `${file} was imported before. Delete ${toStatePath(file)} to import it again.`,
    );
  }
  if (state.records > 0) console.log(`Continuing after ${state.records} records.`);
  const progress = createProgress(process.stdout);
  const stop = stopOnInterrupt();
  await runImport({
    file,
    state,
    toRow,
    hashParameters: await readHashParameters(values["hash-parameters"]),
    send: createSender({ url: values.url, credential }, (seconds) => progress.pause(seconds)),
    onProgress: (now) => progress.show(now),
    isStopping: stop.isStopping,
  });
  if (!state.isComplete) {
    console.log("Interrupted. Start the script again to continue.");
    process.exitCode = EXIT_INTERRUPTED;
    return;
  }
  progress.show({ share: 1, ...state }, true);
  if (state.rejected === 0) return;
  console.log(`${state.rejected} records were rejected: see ${toRejectsPath(file)}.`);
  process.exitCode = EXIT_REJECTED;
});

// The first Ctrl-C waits for the call that runs, the second ends the script at once. Both can be resumed.
function stopOnInterrupt() {
  let isStopping = false;
  process.once("SIGINT", () => {
    isStopping = true;
    console.log("\nStopping after this call. Press Ctrl-C again to stop at once.");
  });
  return { isStopping: () => isStopping };
}

// As JSON, or as the console of Firebase shows them: `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`.
async function readHashParameters(file: string | undefined): Promise<unknown> {
  if (file === undefined) return undefined;
  const text = await readFile(file, "utf8");
  if (text.trimStart().startsWith("{")) return JSON.parse(text);
  const entries = [...text.matchAll(/(\w+):\s*([^\s,}]+)/g)].map(([, name = "", value = ""]) => [
    name,
    /^\d+$/.test(value) ? Number(value) : value,
  ]);
  return Object.fromEntries(entries);
}

function parse() {
  return readCommandLine(USAGE, { options: OPTIONS, allowPositionals: true });
}
