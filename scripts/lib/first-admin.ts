import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { base64url } from "jose";
import { readRows } from "./database.ts";
import { readVars, writeVars } from "./dev-vars.ts";
import { UsageError } from "./fail.ts";

/** The names of the administrator who is to be created. */
interface AdminNames {
  email: string;
  username: string;
}

interface FirstAdmin {
  /** The wrangler flags that select the database. */
  where: readonly string[];
  /** The names; undefined asks for them if there is a terminal. */
  names: AdminNames | undefined;
  /** The file that gets the password, which only its owner may read. */
  file: string;
  /** How to create the administrator later. */
  command: string;
}

/**
 * Creates the first administrator of a service that has none, with a generated password. The password is written to the file before
 * the account exists, so that it cannot be lost, and is never printed. Returns what to tell the operator; undefined if there is an
 * administrator already.
 */
export async function ensureFirstAdmin(options: FirstAdmin): Promise<string | undefined> {
  const { where, file, command } = options;
  const statement = "SELECT count(*) AS count FROM users WHERE role = 'admin' AND is_active = 1";
  const [row] = (await readRows(where, statement)) as { count: number }[];
  if (row && row.count > 0) return undefined;
  const names = options.names ?? (await askNames());
  if (!names) {
    return `There is no administrator yet, and registration stays closed until there is one. Create one on your own machine:\n  ${command}`;
  }
  const { email, username } = names;
  const password = readVars(file)?.ADMIN_PASSWORD ?? base64url.encode(randomBytes(18));
  const vars = { ADMIN_USERNAME: username, ADMIN_EMAIL: email, ADMIN_PASSWORD: password };
  writeVars(
    file,
    vars,
    "The first administrator of Roster. Log in, change the password, and delete this file.",
  );
  // It loads the worker's schemas, which takes a second that other deploys need not wait for.
  const { createAdmin } = await import("./admin.ts");
  const outcome = await createAdmin({ email, username, password }, where);
  if (outcome.kind === "exists") {
    throw new UsageError(
      `The user ${outcome.username} already has this username or email, and is no active administrator. ` +
        "Choose other names, or promote the account: see `npm run admin` in docs/run/deployment.md.",
    );
  }
  return `The administrator ${username} was created. The password is in ${file}: log in, change it, and delete the file.`;
}

async function askNames(): Promise<AdminNames | undefined> {
  if (!process.stdin.isTTY || process.env.CI) return undefined;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    console.log("There is no administrator yet. Leave the username empty to create one later.");
    const username = (await prompt.question("Username of the first administrator: ")).trim();
    if (!username) return undefined;
    const email = (await prompt.question("Email address: ")).trim();
    return { username, email };
  } finally {
    prompt.close();
  }
}
