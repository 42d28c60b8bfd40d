import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { auditOf, newAccount } from "../support/fixtures.ts";

describe("POST /v1/auth/register", () => {
  it("returns 201 with the user, Location and ETag, without the hash", async () => {
    const account = newAccount({ first_name: "Ada", last_name: "Lovelace" });
    const answer = await send("/v1/auth/register", { body: account });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      username: account.username,
      email: account.email,
      full_name: "Ada Lovelace",
      role: "user",
      is_active: true,
      email_verified: false,
      deleted_at: null,
    });
    expect(answer.headers.get("Location")).toBe(`/v1/users/${answer.body.id}`);
    expect(answer.headers.get("ETag")).toBe(`"1-${answer.body.id.slice(-12)}"`);
    expect(answer.text).not.toContain("pbkdf2");
  });

  it("records user.created once, without a secret", async () => {
    const account = newAccount();
    const { body } = await send("/v1/auth/register", { body: account });
    const rows = await auditOf(body.id);
    expect(rows.map((row) => row.action)).toEqual(["user.created"]);
    expect(rows[0]).toMatchObject({ actor_type: "anonymous", ip: "203.0.113.7" });
    expect(rows[0]?.changes).not.toContain(account.password);
  });

  it("lets one of 20 concurrent requests take an email in any case: one row, one audit event, 409 for the rest", async () => {
    const { email } = newAccount();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        send("/v1/auth/register", {
          body: newAccount({ email: i % 2 ? email.toUpperCase() : email }),
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "email_taken")).toHaveLength(19);
    const { results } = await env.DB.prepare("SELECT id FROM users WHERE email_key = ?")
      .bind(email)
      .all<{ id: string }>();
    expect(results).toHaveLength(1);
    expect(await auditOf(results[0]?.id ?? "")).toHaveLength(1);
  });
});
