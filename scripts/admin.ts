// npm run admin -- create --email E --username U [--password-stdin] [--remote [--env ENV] | --persist-to DIR]
// npm run admin -- promote NAME [--password-stdin | --keep-password] [--unverified] [--remote …]
// npm run admin -- unlock NAME [--remote …]
// npm run admin -- reset-password NAME [--password-stdin] [--remote …]
// npm run admin -- reset-factors NAME [--remote …]
// npm run admin -- rebuild-search [--from N] [--remote …]
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { base64url } from "jose";
import {
  createAdmin,
  promoteToAdmin,
  rebuildSearch,
  resetFactors,
  resetPassword,
  unlockAccount,
} from "./lib/admin.ts";
import { readCommandLine } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import { readLocalDataKeys } from "./lib/local-keys.ts";
import { keepLocalStores } from "./lib/local-stores.ts";
import { toPlaceFlags } from "./lib/target.ts";

const USAGE = `Usage:
  npm run admin -- create --email EMAIL --username NAME [--password-stdin]
  npm run admin -- promote NAME_OR_EMAIL [--password-stdin | --keep-password] [--unverified]
  npm run admin -- unlock NAME_OR_EMAIL
  npm run admin -- reset-password NAME_OR_EMAIL [--password-stdin]
  npm run admin -- reset-factors NAME_OR_EMAIL
  npm run admin -- rebuild-search [--from NUMBER]
Uses the local database unless --remote is given. --persist-to DIR selects another local database,
--env NAME the database of an environment, of remote ones by default production.
Passwords are typed, read from standard input with --password-stdin, or generated.`;

const OPTIONS = {
  email: { type: "string" },
  username: { type: "string" },
  "password-stdin": { type: "boolean" },
  "keep-password": { type: "boolean" },
  unverified: { type: "boolean" },
  from: { type: "string" },
  remote: { type: "boolean" },
  env: { type: "string", short: "e" },
  "persist-to": { type: "string" },
} as const;

type Flags = ReturnType<typeof parse>["values"];

const COMMANDS_ON_USERS: Readonly<Record<string, (name: string, flags: Flags) => Promise<void>>> = {
  promote,
  unlock,
  "reset-password": reset,
  "reset-factors": removeFactors,
};

const COMMANDS: Readonly<Record<string, (flags: Flags) => Promise<void>>> = {
  create,
  "rebuild-search": rebuild,
};

await main(async () => {
  const { values, positionals } = parse();
  const [command = "", name, ...others] = positionals;
  const run = others.length === 0 ? findCommand(command, name) : undefined;
  if (!run) throw new UsageError(USAGE);
  await keepLocalStores(toPlaceFlags(values), () => run(values));
});

function findCommand(
  command: string,
  name: string | undefined,
): ((flags: Flags) => Promise<void>) | undefined {
  if (name === undefined) return Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  const onUser = Object.hasOwn(COMMANDS_ON_USERS, command) ? COMMANDS_ON_USERS[command] : undefined;
  return onUser && ((flags) => onUser(name, flags));
}

async function create(flags: Flags): Promise<void> {
  const { email, username } = flags;
  if (!email || !username) throw new UsageError(USAGE);
  const { password, isGenerated } = await choosePassword(flags);
  const dataKeys = flags.remote ? undefined : await readLocalDataKeys(flags.env);
  const outcome = await createAdmin({ email, username, password }, toPlaceFlags(flags), {
    dataKeys,
  });
  if (outcome.kind === "exists") {
    throw new UsageError(
      `The user ${outcome.username} already has this username or email. ` +
        `If the account is yours, promote it: npm run admin -- promote ${outcome.username}${flags.remote ? " --remote" : ""}`,
    );
  }
  console.log(`Administrator ${username} created: ${outcome.id}`);
  if (isGenerated) showPassword(password);
}

async function promote(name: string, flags: Flags): Promise<void> {
  const place = toPlaceFlags(flags);
  const chosen = flags["keep-password"] ? undefined : await choosePassword(flags);
  const { username, isChanged } = await promoteToAdmin(name, place, {
    password: chosen?.password,
    allowsUnverified: flags.unverified ?? false,
  });
  if (!isChanged) return console.log(`${username} is already an administrator.`);
  console.log(`${username} is now an administrator and must log in again.`);
  if (!chosen) return;
  console.log(
    "Whoever registered the account could know its password: it was replaced, and API keys were revoked.",
  );
  if (chosen.isGenerated) showPassword(chosen.password);
}

async function unlock(name: string, flags: Flags): Promise<void> {
  const { username, isChanged } = await unlockAccount(name, toPlaceFlags(flags));
  console.log(
    isChanged
      ? `The failed logins of ${username} are forgotten. They can log in again.`
      : `${username} is not locked out: there are no failed logins.`,
  );
}

async function reset(name: string, flags: Flags): Promise<void> {
  const { password, isGenerated } = await choosePassword(flags);
  const { username } = await resetPassword(name, password, toPlaceFlags(flags));
  console.log(
    `The password of ${username} was reset. All sessions have ended, and the links in emails to them are void. ` +
      "API keys keep working.",
  );
  if (isGenerated) showPassword(password);
}

async function removeFactors(name: string, flags: Flags): Promise<void> {
  const { username, isChanged } = await resetFactors(name, toPlaceFlags(flags));
  console.log(
    isChanged
      ? `The second factors and recovery codes of ${username} were removed, and all sessions have ended. The password suffices to log in.`
      : `${username} has no second factor.`,
  );
}

async function rebuild(flags: Flags): Promise<void> {
  const from = flags.from ?? "0";
  if (!/^\d{1,15}$/.test(from))
    throw new UsageError("--from needs a number that an earlier run printed.");
  await rebuildSearch(toPlaceFlags(flags), Number(from), (done, last) =>
    console.log(`${done} of ${last} done. To continue from here: --from ${done}`),
  );
  console.log("The search index is complete.");
}

function showPassword(password: string): void {
  console.log(`Password (shown only once): ${password}`);
}

function parse() {
  return readCommandLine(USAGE, { options: OPTIONS, allowPositionals: true });
}

async function choosePassword(flags: Flags): Promise<{ password: string; isGenerated: boolean }> {
  const fromStdin = flags["password-stdin"] ?? false;
  const typed = fromStdin ? (await text(process.stdin)).replace(/\r?\n$/, "") : await askPassword();
  if (typed) return { password: typed, isGenerated: false };
  if (fromStdin) throw new UsageError("--password-stdin was given, but standard input is empty.");
  return { password: base64url.encode(randomBytes(18)), isGenerated: true };
}

async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return "";
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stdout.write("Password (leave empty to generate one): ");
  const prompt = createInterface({ input: process.stdin, output: muted, terminal: true });
  const answer = await prompt.question("");
  prompt.close();
  process.stdout.write("\n");
  return answer;
}
