import type { Config } from "../../src/config.ts";
import { createAdmin, type NewAdmin, resetPassword } from "./admin.ts";

const LOST_KEYS =
  "The keys are new, too: personal data in earlier audit events can no longer be read. To start over, delete .wrangler";

/** The administrator of a local database, as the welcome message shows them. */
export interface DevAdmin {
  username: string;
  /** Undefined if it is not known. */
  password: string | undefined;
  /** What the developer should know. */
  note: string | undefined;
}

interface Options {
  /** The wrangler flags that select the database. */
  where: readonly string[];
  config: Config;
  /** The file that has the password. */
  file: string;
  /** The names of the settings that this run has generated. */
  generated: readonly string[];
}

/**
 * Creates the administrator of a local database. If they exist and the password was generated just now, because the file with the
 * previous one was deleted, it becomes their password. A password that someone has chosen is never replaced.
 */
export async function ensureDevAdmin(
  admin: NewAdmin,
  { where, config, file, generated }: Options,
): Promise<DevAdmin> {
  const { password } = admin;
  const outcome = await createAdmin(admin, where, config);
  if (outcome.kind === "created") return { username: admin.username, password, note: undefined };
  const { username } = outcome;
  if (outcome.role !== "admin" || !outcome.isActive) {
    const state = outcome.isActive ? `has the role ${outcome.role}` : "is not active";
    const note = `${username} ${state}. To make them an active administrator: ${command("promote", username, where)}`;
    return { username, password: outcome.passwordMatches ? password : undefined, note };
  }
  if (outcome.passwordMatches) return { username, password, note: undefined };
  if (!generated.includes("DEV_ADMIN_PASSWORD")) {
    const note = `The password in ${file} is not that of ${username}. To set a new one: ${command("reset-password", username, where)}`;
    return { username, password: undefined, note };
  }
  await resetPassword(username, password, where);
  const note =
    `new, because ${file} had none. ${generated.includes("DATA_KEYS") ? LOST_KEYS : ""}`.trim();
  return { username, password, note };
}

function command(name: string, username: string, where: readonly string[]): string {
  const place = where.filter((flag) => flag !== "--local").join(" ");
  return `npm run admin -- ${name} ${username}${place && ` ${place}`}`;
}
