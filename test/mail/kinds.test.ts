import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount, PASSWORD, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf, tokenIn } from "../support/mail.ts";

const TOKEN = /^rot_[\w-]{43}$/;

/** Someone with a mailbox, and what they do there. */
async function someone(fields: Record<string, unknown> = {}, settings = {}) {
  const box = createMailbox(settings);
  const user = await createMailUser(box, fields);
  const logIn = (userAgent: string | undefined, password = PASSWORD) =>
    send("/v1/auth/login", {
      body: { username: user.username, password },
      bindings: box.bindings,
      headers: userAgent === undefined ? {} : { "User-Agent": userAgent },
    });
  return { ...flowsOf(box), box, user, logIn };
}

describe("a mail", () => {
  it("comes in text and HTML, to the address, from MAIL_FROM, with the same link in both", async () => {
    const { box, user } = await someone({}, { MAIL_FROM: "Acme <no-reply@acme.example>" });
    const [mail] = box.to(user.email);
    expect(mail).toMatchObject({
      from: "Acme <no-reply@acme.example>",
      subject: "Confirm your email address",
    });
    expect(mail?.text).toContain(`Hello ${user.username},`);
    expect(mail?.html).toMatch(/^<!doctype html>/i);
    expect(mail?.html).toContain(`Hello ${user.username},`);
    const token = tokenIn(mail);
    expect(token).toMatch(TOKEN);
    expect(mail?.text).toContain(`https://roster.test/verify-email#token=${token}\n`);
    expect(mail?.html).toContain(`href="https://roster.test/verify-email#token=${token}"`);
  });

  it("for a reset has a link that lasts an hour, and says that nothing has changed", async () => {
    const { box, user, forgot } = await someone();
    await forgot(user.email);
    const mail = box.to(user.email).at(-1);
    expect(mail?.subject).toBe("Reset your password");
    expect(mail?.text).toMatch(/one hour/);
    expect(mail?.text).toContain(`https://roster.test/reset-password#token=${tokenIn(mail)}`);
  });

  it("keeps its token behind the #, where no server's log and no Referer sees it", async () => {
    const { box, user, forgot, changeEmail } = await someone();
    await forgot(user.email);
    await changeEmail(user.token, `new.${user.email}`);
    for (const { text } of box.sent) {
      for (const link of text.match(/https?:\S+/g) ?? []) expect(new URL(link).search).toBe("");
    }
  });

  it("links to APP_URL whatever Host, Origin, Forwarded and X-Forwarded-Host say", async () => {
    const box = createMailbox({ APP_URL: "https://accounts.acme.example/ignored/path" });
    const headers = {
      Host: "evil.example",
      Origin: "https://evil.example",
      Referer: "https://evil.example/",
      Forwarded: "host=evil.example;proto=http",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Proto": "http",
      "X-Original-URL": "https://evil.example",
    };
    const account = newAccount();
    const { bindings } = box;
    await send("/v1/auth/register", { body: account, headers, bindings });
    await send("/v1/auth/password/forgot", { body: { email: account.email }, headers, bindings });
    expect(box.sent).toHaveLength(2);
    for (const mail of box.sent) {
      expect(mail.text).toContain("https://accounts.acme.example/");
      expect(JSON.stringify(mail)).not.toMatch(/evil|roster\.test|ignored/);
    }
  });

  it.each([
    ["HTML", '<b>Ada</b><img src="//evil.example">', /<b>|<img/],
    ["an attribute's end", `Ada" onclick="x`, /" onclick="/],
    ["a link", "Win at https://evil.example/x now", /:\/\/evil|evil\.example/],
    ["a bare host", "Call evil.example or evil。example, or a.b.evil.co", /evil[.。]\S/],
    ["an address", "write to x@evil.example", /evil\.example/],
    ["template text", "{{token}} %s <%= token %>", /rot_[\w-]+ %s/],
  ])("is safe against a name that holds %s", async (_, first_name, harm) => {
    const { box, user } = await someone({ first_name });
    const [mail] = box.to(user.email);
    expect(mail?.html.replace(/href="[^"]*"/, "")).not.toMatch(harm);
    if (!first_name.includes("<") && !first_name.includes('"'))
      expect(mail?.text).not.toMatch(harm);
    expect(mail?.subject).toBe("Confirm your email address");
    expect(mail?.html.match(/<a /g)).toHaveLength(1);
  });

  it("is safe against a name with line breaks, wherever it came from: no line and no header of its own", async () => {
    const { box, user, forgot } = await someone();
    const name = "Ada\r\nBcc: everyone@example.com\r\n\r\nhttps://evil.example\u2028x";
    await sqlRun("UPDATE users SET first_name = ? WHERE id = ?", name, user.id);
    await forgot(user.email);
    const mail = box.to(user.email).at(-1);
    expect(mail?.subject).toBe("Reset your password");
    expect(mail?.text.split(/[\r\n\u2028]/)[0]).toMatch(/^Hello Ada Bcc: everyone@.* x,$/);
    expect(mail?.text).not.toMatch(/^Bcc|^https:\/\/evil/m);
    expect(mail?.to).toBe(user.email);
  });

  it("greets names of people as they are", async () => {
    for (const first_name of [
      "José",
      "J.R.R. Tolkien",
      "O'Brien & Søn",
      "王小明",
      "👩‍🚀".repeat(30),
    ]) {
      const { box, user } = await someone({ first_name });
      expect(box.to(user.email)[0]?.text).toContain(`Hello ${first_name},`);
    }
  });
});

describe("of a sign-in the owner is told", () => {
  const NOTICE = "New sign-in to your account";

  it("when the device is unknown, once, and not at the first login", async () => {
    const box = createMailbox();
    const account = newAccount();
    await send("/v1/auth/register", { body: account, bindings: box.bindings });
    const logIn = (agent: string) =>
      send("/v1/auth/login", {
        body: { username: account.username, password: PASSWORD },
        headers: { "User-Agent": agent },
        bindings: box.bindings,
      });
    const notices = () => box.subjectsTo(account.email).filter((subject) => subject === NOTICE);
    await logIn("Firefox");
    expect(notices()).toHaveLength(0);
    await logIn("Firefox");
    expect(notices()).toHaveLength(0);
    await logIn("Chrome");
    expect(notices()).toHaveLength(1);
    await logIn("Chrome");
    await logIn("Firefox");
    expect(notices()).toHaveLength(1);
    expect(box.to(account.email).at(-1)?.text).not.toMatch(/token|https?:/);
  });

  it("not when the password was wrong, and of a client without a name too", async () => {
    const { box, user, logIn } = await someone();
    await logIn("Firefox", "wrong password");
    expect(box.subjectsTo(user.email)).not.toContain(NOTICE);
    await logIn("Firefox");
    await logIn(undefined);
    await logIn(undefined);
    expect(box.subjectsTo(user.email).filter((subject) => subject === NOTICE)).toHaveLength(1);
  });
});

describe("the owner is told", () => {
  it("of a lock, once a lock, and strangers' names cause no mail", async () => {
    const { box, user, logIn } = await someone();
    for (let i = 0; i < 9; i += 1) await logIn("x", "wrong password");
    expect(box.subjectsTo(user.email)).not.toContain("Your account is locked for a while");
    for (let i = 0; i < 5; i += 1) await logIn("x", "wrong password");
    const locked = box.subjectsTo(user.email).filter((subject) => subject.includes("locked"));
    expect(locked).toEqual(["Your account is locked for a while"]);
    const before = box.sent.length;
    for (let i = 0; i < 11; i += 1) {
      await send("/v1/auth/login", {
        body: { email: "stranger@example.com", password: "x" },
        bindings: box.bindings,
      });
    }
    expect(box.sent.length).toBe(before);
  });

  it("of a changed password, and not of one that was refused", async () => {
    const { box, user } = await someone();
    const change = (current_password: string) =>
      send("/v1/auth/password/change", {
        body: { current_password, new_password: "another pass phrase" },
        token: user.token,
        bindings: box.bindings,
      });
    await change("wrong password");
    expect(box.subjectsTo(user.email)).toEqual(["Confirm your email address"]);
    await change(PASSWORD);
    expect(box.subjectsTo(user.email).at(-1)).toBe("Your password was changed");
  });

  it("who is made by an administrator, to confirm the address", async () => {
    const box = createMailbox();
    const admin = await createMailUser(box);
    await sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", admin.id);
    const { status } = await send("/v1/users", {
      body: newAccount({ email: "invited@example.com" }),
      token: admin.token,
      bindings: box.bindings,
    });
    expect(status).toBe(201);
    expect((await flowsOf(box).verify(box.tokenTo("invited@example.com"))).status).toBe(200);
  });
});
