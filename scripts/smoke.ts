// npm run smoke -- URL [--admin USERNAME] [--email ADDRESS] [--any-version] [--wait SECONDS]: checks a running service over HTTP.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { readCommandLine } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import { Skipped, tryAccount, tryAdmin } from "./lib/smoke-account.ts";
import { PUBLIC_CHECKS, SmokeFailure, type Subject, send } from "./lib/smoke-checks.ts";

const USAGE = `Usage:
  npm run smoke -- URL [--admin USERNAME] [--email ADDRESS] [--any-version] [--wait SECONDS]
Checks that the service works, and tries a throw-away account if registration is open.
--admin also tries the login of an administrator, whose password is read from standard input.
--email ADDRESS gets the email that a registration sends, at name+smoke-…@domain.
--any-version accepts another version than that of this folder.
--wait SECONDS waits until that version runs, for example after a deploy.`;

const OPTIONS = {
  admin: { type: "string" },
  email: { type: "string" },
  "any-version": { type: "boolean" },
  wait: { type: "string" },
} as const;

await main(async () => {
  const { subject, admin, email, waitSeconds } = readFlags();
  await waitForVersion(subject, waitSeconds);
  let failures = 0;
  const attempt = async (name: string, work: () => Promise<string>) => {
    const [mark, result] = await judge(work);
    console.log(`${mark} ${name}: ${result}`);
    if (mark === "FAIL") failures += 1;
    return mark;
  };
  for (const [name, check] of PUBLIC_CHECKS) {
    const mark = await attempt(name, () => check(subject));
    if (mark === "FAIL" && name === "health") break;
  }
  if (failures === 0) await attempt("account", () => tryAccount(subject, email));
  if (failures === 0 && admin) {
    const password = (await text(process.stdin)).replace(/\r?\n$/, "");
    await attempt("administrator", () => tryAdmin(subject, { username: admin, password }));
  }
  if (failures > 0) throw new UsageError(`${subject.url} has failed ${failures} of the checks.`);
  console.log(`${subject.url} works.`);
});

function readFlags() {
  const { values, positionals } = parse();
  const [address = "", ...others] = positionals;
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? "") || others.length > 0) {
    throw new UsageError(USAGE);
  }
  if (values.email !== undefined && !/^[^@\s]+@[^@\s]+$/.test(values.email))
    throw new UsageError(USAGE);
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  return {
    subject: {
      url: new URL(address).origin,
      version: values["any-version"] ? undefined : version,
    },
    admin: values.admin,
    email: values.email,
    waitSeconds: Number(values.wait ?? 0),
  };
}

function parse() {
  return readCommandLine(USAGE, { options: OPTIONS, allowPositionals: true });
}

async function judge(work: () => Promise<string>): Promise<["ok  " | "skip" | "FAIL", string]> {
  try {
    return ["ok  ", await work()];
  } catch (error) {
    if (error instanceof Skipped) return ["skip", error.message];
    if (error instanceof SmokeFailure) return ["FAIL", error.message];
    throw error;
  }
}

/** Waits until the version runs: a deploy takes some seconds to reach every location. Gives up silently; the check will say so. */
async function waitForVersion(subject: Subject, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const reply = await send(subject, "/health").catch(() => undefined);
    const isExpected = [undefined, reply?.body?.version].includes(subject.version);
    if (reply?.status === 200 && isExpected) return;
    await setTimeout(1000);
  }
}
