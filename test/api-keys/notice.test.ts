import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createMailbox, createMailUser } from "../support/mail.ts";

const SUBJECT = "New API key for your account";

async function createOwner() {
  const box = createMailbox();
  const owner = await createMailUser(box);
  await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", owner.id);
  const create = ({ token }: Pick<TestUser, "token">, fields: object) =>
    send("/v1/api-keys", { body: { scopes: [], ...fields }, token, bindings: box.bindings });
  const notices = () => box.to(owner.email).filter(({ subject }) => subject === SUBJECT);
  return { box, owner, create, notices };
}

describe("the owner of a new API key", () => {
  it("gets an email with the name of the key, and without the key", async () => {
    const { owner, create, notices } = await createOwner();
    const { body } = await create(owner, { name: "Nightly export" });
    const [mail, ...others] = notices();
    expect(others).toEqual([]);
    expect(mail?.text).toContain("“Nightly export”");
    expect(mail?.html).toContain("“Nightly export”");
    const whole = JSON.stringify(mail);
    for (const part of [body.key, body.key.slice(5, 69), body.prefix, body.id]) {
      expect(whole).not.toContain(part);
    }
  });

  it("gets it when an administrator creates the key, who gets none", async () => {
    const { box, owner, create, notices } = await createOwner();
    const admin = await createMailUser(box);
    await sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", admin.id);
    expect((await create(admin, { name: "Theirs", user_id: owner.id })).status).toBe(201);
    expect(notices()).toHaveLength(1);
    expect(box.subjectsTo(admin.email)).not.toContain(SUBJECT);
  });

  it("gets no link and no markup from a name", async () => {
    const { owner, create, notices } = await createOwner();
    await create(owner, { name: "<b>x</b> https://evil.example/a {about} $&" });
    const [mail] = notices();
    expect(mail?.text).not.toMatch(/:\/\/|evil\.example/);
    expect(mail?.html).not.toContain("<b>");
    expect(mail?.text).toContain("{about} $&");
  });

  it("gets none for a key that is refused, and at most five per hour", async () => {
    const { owner, create, notices } = await createOwner();
    await create(owner, { name: "x", scopes: ["users:erase"] });
    expect(notices()).toEqual([]);
    for (let i = 0; i < 7; i += 1) {
      expect((await create(owner, { name: `key ${i}` })).status).toBe(201);
    }
    expect(notices().length).toBeLessThanOrEqual(5);
    const rows = await sqlAll(
      "SELECT 1 FROM mail_outbox WHERE kind = 'api_key_created' AND user_id = ?",
      owner.id,
    );
    expect(rows.length).toBeLessThanOrEqual(5);
  });
});
