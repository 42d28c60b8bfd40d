// npm run admin -- create --email E --username U [--password-stdin] [--remote [--env ENV] | --persist-to DIR]
// npm run admin -- promote NAME [--remote [--env ENV] | --persist-to DIR]
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { base64url } from "jose";
import { createAdmin, promoteToAdmin } from "./lib/admin.ts";
import { main, UsageError } from "./lib/fail.ts";

const USAGE = `Usage:
  npm run admin -- create --email EMAIL --username NAME [--password-stdin] [--remote]
  npm run admin -- promote NAME_OR_EMAIL [--remote]
Uses the local database unless --remote is given. --persist-to DIR selects another local database,
--env NAME the database of an environment.`;

const OPTIONS = {
  email: { type: "string" },
  username: { type: "string" },
  "password-stdin": { type: "boolean" },
  remote: { type: "boolean" },
  env: { type: "string", short: "e" },
  "persist-to": { type: "string" },
} as const;

await main(async () => {
  const { values, positionals } = parse();
  const [command, name] = positionals;
  const where = readPlace(values);
  if (command === "promote" && name) {
    const { username, isChanged } = await promoteToAdmin(name, where);
    console.log(
      isChanged
        ? `${username} is now an administrator and must log in again.`
        : `${username} is already an administrator.`,
    );
    return;
  }
  if (command !== "create" || !values.email || !values.username) throw new UsageError(USAGE);
  const { password, isGenerated } = await choosePassword(values["password-stdin"] ?? false);
  const admin = { email: values.email, username: values.username, password };
  const outcome = await createAdmin(admin, where);
  if (outcome.kind === "exists") {
    throw new UsageError(
      `The user ${outcome.username} already has this username or email. ` +
        `To promote them: npm run admin -- promote ${outcome.username}${values.remote ? " --remote" : ""}`,
    );
  }
  console.log(`Administrator ${values.username} created: ${outcome.id}`);
  if (isGenerated) console.log(`Password (shown only once): ${password}`);
});

/** The wrangler flags that select the database. */
function readPlace(values: ReturnType<typeof parse>["values"]): string[] {
  const persistTo = values["persist-to"];
  return [
    ...(values.remote ? ["--remote"] : ["--local"]),
    ...(values.env ? ["--env", values.env] : []),
    ...(persistTo && !values.remote ? ["--persist-to", persistTo] : []),
  ];
}

function parse() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

async function choosePassword(
  fromStdin: boolean,
): Promise<{ password: string; isGenerated: boolean }> {
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
