import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  allAuditOf,
  auditOf,
  createRoleRow,
  createTestUser,
  newEmail,
  PASSWORD,
  sqlAll,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

interface Result {
  index: number;
  status: string;
  id?: string;
  errors?: { path: string; code: string; message: string }[];
}

const importRows = (token: string, data: unknown, more: object = {}) =>
  send("/v1/users/import", { token, body: { data, ...more } });

/** The path and code of each fault, by row. */
const faultsByRow = ({ body }: { body: { data: Result[] } }) =>
  body.data.map(({ errors = [] }) => errors.map(({ path, code }) => `${path} ${code}`));

describe("POST /v1/users/import", () => {
  it("creates a user per row, with every field, and returns their ids in order", async () => {
    const { token } = await createTestUser("admin");
    await createRoleRow("imported", []);
    const fields = {
      email: newEmail(),
      username: "Grace.H",
      email_verified: true,
      first_name: "Grace",
      last_name: "Hopper",
      role: "imported",
      is_active: false,
    };
    const full = {
      ...fields,
      created_at: "2019-03-01T09:00:00+01:00",
      profile: { bio: "Compilers", timezone: "America/New_York", metadata: { rank: "RDML" } },
      password: PASSWORD,
    };
    const answer = await importRows(token, [full, { email: newEmail() }]);
    expect(answer.status, answer.text).toBe(200);
    const [first, second] = answer.body.data as Result[];
    expect(answer.body).toEqual({
      created: 2,
      rejected: 0,
      data: [
        { index: 0, status: "created", id: first?.id },
        { index: 1, status: "created", id: second?.id },
      ],
    });
    const user = await send(`/v1/users/${first?.id}`, { token });
    expect(user.body).toMatchObject({
      ...fields,
      has_password: true,
      created_at: "2019-03-01T08:00:00.000Z",
    });
    const profile = await send(`/v1/users/${first?.id}/profile`, { token });
    expect(profile.body).toMatchObject({ bio: "Compilers", metadata: { rank: "RDML" } });
    const bare = await send(`/v1/users/${second?.id}`, { token });
    expect(bare.body).toMatchObject({ role: "user", is_active: true, has_password: false });
  });

  it("takes newline-delimited JSON, and rejects only the lines that are malformed", async () => {
    const { token } = await createTestUser("admin");
    const lines = [{ email: newEmail() }, { email: newEmail() }].map((row) => JSON.stringify(row));
    const answer = await send("/v1/users/import", {
      token,
      raw: `${lines[0]}\n\n{"email":\n}],"hash_parameters":[{\r\n${lines[1]}\r\n`,
      headers: { "Content-Type": "application/x-ndjson" },
    });
    expect(answer.body).toMatchObject({ created: 2, rejected: 2 });
    expect(faultsByRow(answer)).toEqual([[], [" invalid_type"], [" invalid_type"], []]);
  });

  it("rejects invalid rows with all their faults, and creates the others", async () => {
    const { token } = await createTestUser("admin");
    const answer = await importRows(token, [
      { email: newEmail() },
      { email: "nobody", username: "x", admin: true },
      null,
      "row",
      {},
      { email: newEmail(), role: "nonexistent", password: "short" },
      { email: newEmail(), created_at: "2999-01-01T00:00:00Z" },
      { email: newEmail(), created_at: "1969-01-01T00:00:00Z" },
      { email: newEmail(), profile: { phone: "12", nickname: "x" } },
      { email: newEmail(), password: PASSWORD, password_hash: "x" },
      { email: newEmail(), password_hash: "md5" },
      { email: newEmail(), password_hash: `$2b$15$${"a".repeat(53)}` },
    ]);
    expect(answer.body).toMatchObject({ created: 1, rejected: 11 });
    expect(faultsByRow(answer)).toEqual([
      [],
      ["email invalid_format", "username too_short", "admin unknown_field"],
      [" invalid_type"],
      [" invalid_type"],
      ["email required"],
      ["role unknown_role", "password too_short"],
      ["created_at too_big"],
      ["created_at too_small"],
      ["profile.phone invalid_format", "profile.nickname unknown_field"],
      ["password_hash invalid_value"],
      ["password_hash invalid_format"],
      ["password_hash too_expensive"],
    ]);
  });

  it("reports at most 20 faults of a row, however many it has", async () => {
    const { token } = await createTestUser("admin");
    const row = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field${i}`, 1]));
    const answer = await importRows(token, [row]);
    expect(faultsByRow(answer)[0]).toHaveLength(20);
  });

  it("rejects names that another user, or an earlier row, has", async () => {
    const { token, username, email } = await createTestUser("admin");
    const twice = newEmail();
    const answer = await importRows(token, [
      { email: email.toUpperCase(), username: "unused_name" },
      { email: newEmail(), username: username.toUpperCase() },
      { email, username },
      { email: twice, username: "twice_named" },
      { email: twice.toUpperCase(), username: "other_name" },
      { email: newEmail(), username: "Twice_Named" },
    ]);
    expect(faultsByRow(answer)).toEqual([
      ["email email_taken"],
      ["username username_taken"],
      ["email email_taken", "username username_taken"],
      [],
      ["email email_taken"],
      ["username username_taken"],
    ]);
  });

  it("makes a missing username of the email address, unique and valid", async () => {
    const { token } = await createTestUser("admin");
    const emails = ["same+tag@a.example", "same+tag@b.example", "x@a.example"];
    const answer = await importRows(token, [
      ...emails.map((email) => ({ email })),
      { email: `${"l".repeat(64)}@a.example` },
      { email: `${"l".repeat(64)}@b.example` },
    ]);
    expect(answer.body.rejected).toBe(0);
    const names = await Promise.all(
      (answer.body.data as Result[]).map(
        async ({ id }) => (await send(`/v1/users/${id}`, { token })).body.username as string,
      ),
    );
    expect(names).toEqual([
      "same_tag",
      expect.stringMatching(/^same_tag-[0-9a-f]{8}$/),
      "x__",
      "l".repeat(50),
      expect.stringMatching(/^l{41}-[0-9a-f]{8}$/),
    ]);
  });

  it("records user.created for each user who was created, and for nobody else", async () => {
    const admin = await createTestUser("admin");
    const count = async () => (await sqlAll("SELECT id FROM audit_events")).length;
    const before = await count();
    const email = newEmail();
    const profile = { bio: "A secret biography" };
    const answer = await importRows(admin.token, [
      { email, profile },
      { email, profile },
      { email: "nobody" },
    ]);
    expect(await count()).toBe(before + 1);
    const [event, ...others] = await auditOf(answer.body.data[0].id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      action: "user.created",
      actor_id: admin.id,
      metadata: { reason: "import" },
    });
    expect(JSON.parse(event?.changes ?? "{}")).toMatchObject({
      email: { from: null, to: email },
      role: { from: null, to: "user" },
      "profile.bio": { from: null, to: "A secret biography" },
    });
    const stored = await sqlAll("SELECT * FROM audit_events WHERE id = ?", event?.id);
    expect(JSON.stringify(stored)).not.toMatch(/biography|imported\d+@/);
  });

  it("sends no email", async () => {
    const { token } = await createTestUser("admin");
    const outbox = async () => (await sqlAll("SELECT id FROM mail_outbox")).length;
    const before = await outbox();
    await importRows(token, [{ email: newEmail() }, { email: newEmail(), password: PASSWORD }]);
    expect(await outbox()).toBe(before);
  });

  it("creates 1,000 users in one call, and refuses 1,001", async () => {
    const { token } = await createTestUser("admin");
    const rows = Array.from({ length: 1001 }, () => ({ email: newEmail() }));
    const answer = await importRows(token, rows.slice(1));
    expect(answer.body).toMatchObject({ created: 1000, rejected: 0 });
    expect(faultsOf(await importRows(token, rows))).toEqual(["data too_big"]);
    expect(faultsOf(await importRows(token, []))).toEqual(["data too_small"]);
    expect(faultsOf(await send("/v1/users/import", { token, body: {} }))).toEqual([
      "data required",
    ]);
  });

  it("stores at most 1 MiB, in whatever form it is sent", async () => {
    const { token } = await createTestUser("admin");
    const row = () => ({
      email: newEmail(),
      profile: { bio: '"'.repeat(1900), metadata: { a: '"'.repeat(1000) } },
    });
    const large = await importRows(token, Array.from({ length: 170 }, row));
    expect(large.body, large.text.slice(0, 300)).toMatchObject({ created: 170 });
    const tooLarge = await importRows(token, Array.from({ length: 190 }, row));
    expectProblem(tooLarge, 413, "payload_too_large");
  });
});

describe("passwords of an import", () => {
  it("work at once, up to 50 per call", async () => {
    const { token } = await createTestUser("admin");
    const rows = Array.from({ length: 51 }, () => ({ email: newEmail(), password: PASSWORD }));
    const answer = await importRows(token, rows);
    expect(answer.body).toMatchObject({ created: 50, rejected: 1 });
    expect(faultsByRow(answer)[50]).toEqual(["password too_many"]);
    const { email } = rows[49] as (typeof rows)[0];
    const login = await send("/v1/auth/login", { body: { email, password: PASSWORD } });
    expect(login.status).toBe(200);
  });

  it("are checked like those of any new user", async () => {
    const { token } = await createTestUser("admin");
    const answer = await importRows(token, [
      { email: newEmail(), password: "password1" },
      { email: newEmail(), username: "hopper", password: "ihopperyes" },
    ]);
    expect(faultsByRow(answer)).toEqual([["password too_common"], ["password contains_username"]]);
  });
});

describe("the authority of an import", () => {
  it("needs users:import and users:create", async () => {
    for (const held of ["users:import", "users:create"]) {
      const { token } = await createHolder(held);
      expectProblem(await importRows(token, [{ email: newEmail() }]), 403, "forbidden");
    }
    const { token } = await createHolder("users:import", "users:create");
    expect((await importRows(token, [{ email: newEmail() }])).body.created).toBe(1);
  });

  it("rejects rows with a role that the caller cannot assign", async () => {
    const held = ["users:import", "users:create"];
    const { token } = await createHolder(...held);
    const assigner = await createHolder(...held, "roles:assign");
    const rows = () => [
      { email: newEmail(), role: "user" },
      { email: newEmail(), role: "moderator" },
    ];
    expect(faultsByRow(await importRows(token, rows()))).toEqual([[], ["role not_permitted"]]);
    expect(faultsByRow(await importRows(assigner.token, rows()))).toEqual([
      [],
      ["role not_permitted"],
    ]);
    const admin = await createTestUser("admin");
    expect((await importRows(admin.token, rows())).body.created).toBe(2);
  });

  it("lets an API key create only users whose role grants nothing", async () => {
    const admin = await createTestUser("admin");
    const key = await createTestKey(admin, ["users:import", "users:create", "roles:assign"]);
    const body = { data: [{ email: newEmail() }, { email: newEmail(), role: "moderator" }] };
    const answer = await sendWithKey(key, "/v1/users/import", { body });
    expect(faultsByRow(answer)).toEqual([[], ["role not_permitted"]]);
    const [event] = await allAuditOf(answer.body.data[0].id);
    expect(event).toMatchObject({ actor_type: "api_key", actor_id: key.id });
  });
});
