import { newId } from "../../src/lib/ids.ts";
import { sqlAll, sqlRun } from "./fixtures.ts";

/** Links an account at a provider to a user directly in D1. Returns the identity's id. */
export async function linkIdentity(
  userId: string,
  subject = newId(),
  issuer = "https://issuer.example",
  provider = "example",
): Promise<string> {
  const id = newId();
  await sqlRun(
    `INSERT INTO identities (id, user_id, provider, issuer, subject, email, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, 0, NULL)`,
    id,
    userId,
    provider,
    issuer,
    subject,
    `${subject}@issuer.example`,
  );
  return id;
}

/** How many identities a user has. */
export async function countIdentities(userId: string): Promise<number> {
  return (await sqlAll("SELECT id FROM identities WHERE user_id = ?", userId)).length;
}

/** The accounts at providers that are linked to a user. */
export const identitiesOf = (userId: string) =>
  sqlAll("SELECT provider, issuer, subject FROM identities WHERE user_id = ?", userId);

/** The user with this email address. */
export const userBy = async (email: string) =>
  (
    await sqlAll<{ id: string; username: string; email_verified: number }>(
      "SELECT id, username, email_verified FROM users WHERE email_key = ?",
      email.toLowerCase(),
    )
  )[0];
