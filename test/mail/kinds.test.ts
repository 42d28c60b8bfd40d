import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { newAccount, PASSWORD, sqlRun } from "../support/fixtures.ts";
import {
  createMailbox,
  createMailUser,
  createVerifiedMailUser,
  flowsOf,
  type Mailbox,
  tokenIn,
} from "../support/mail.ts";

const TOKEN = /^rot_[\w-]{43}$/;

/** Creates a user with a verified address and a mailbox, and functions that send their requests. */
const MINUTE = 60_000;

async function createRecipient(fields: Record<string, unknown> = {}, settings = {}) {
  const box = createMailbox(settings);
  const user = await createVerifiedMailUser(box, fields);
  const logIn = (userAgent: string | undefined, password = PASSWORD) =>
    send("/v1/auth/login", {
      body: { username: user.username, password },
      bindings: box.bindings,
      headers: userAgent === undefined ? {} : { "User-Agent": userAgent },
    });
  return { ...flowsOf(box), box, user, logIn };
}

/** Fails unless all links in the emails lead to this origin, and no email mentions a request of the API. */
function expectPages({ sent }: Mailbox, origin: string): void {
  const texts = sent.map(({ text, html }) => text + html).join("\n");
  expect(new Set(texts.match(/https?:\/\/[^/\s"<]+/g))).toEqual(new Set([origin]));
  expect(texts).not.toMatch(/POST|JSON|\/v1\//);
}

describe("a mail", () => {
  it("has a text and an HTML part with the same link, goes to the address and comes from MAIL_FROM", async () => {
    const { box, user } = await createRecipient({}, { MAIL_FROM: "Acme <no-reply@acme.example>" });
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

  it("for a reset has a link and says that it lasts one hour", async () => {
    const { box, user, forgot } = await createRecipient();
    await forgot(user.email);
    const mail = box.to(user.email).at(-1);
    expect(mail?.subject).toBe("Reset your password");
    expect(mail?.text).toContain("The link is valid for 1 hour.");
    expect(mail?.text).toContain(`https://roster.test/reset-password#token=${tokenIn(mail)}`);
  });

  it("has its token in the URL fragment, which server logs and Referer do not contain", async () => {
    const { box, user, forgot, changeEmail } = await createRecipient();
    await forgot(user.email);
    await changeEmail(user.token, `new.${user.email}`);
    const links = box.sent.flatMap(({ text }) => text.match(/https?:\S+#\S+/g) ?? []);
    expect(links).toHaveLength(4);
    for (const link of links) {
      const { pathname, search, hash } = new URL(link);
      expect(hash).toMatch(/^#(token|disown)=rot_/);
      expect(pathname + search).not.toMatch(/rot_|[?]/);
    }
  });

  it("links to APP_URL, whatever Host, Origin, Forwarded and X-Forwarded-Host contain", async () => {
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
    ["the end of an attribute", `Ada" onclick="x`, /" onclick="/],
    ["a link", "Win at https://evil.example/x now", /:\/\/evil|evil\.example/],
    ["a bare host", "Call evil.example or evil。example, or a.b.evil.co", /evil[.。]\S/],
    ["an address", "write to x@evil.example", /evil\.example/],
    ["template syntax", "{{token}} %s <%= token %>", /rot_[\w-]+ %s/],
  ])("is safe for a name that contains %s", async (_, first_name, harm) => {
    const { box, user } = await createRecipient({ first_name });
    const [mail] = box.to(user.email);
    expect(mail?.html.replaceAll(/href="[^"]*"/g, "")).not.toMatch(harm);
    if (!first_name.includes("<") && !first_name.includes('"'))
      expect(mail?.text).not.toMatch(harm);
    expect(mail?.subject).toBe("Confirm your email address");
    expect(mail?.html.match(/<a /g)).toHaveLength(2);
  });

  it("links to pages of this service, which exist, and does not mention the API", async () => {
    const { box, user, forgot, changeEmail } = await createRecipient();
    await forgot(user.email);
    await changeEmail(user.token, `new.${user.email}`);
    expectPages(box, "https://roster.test");
    const links = box.sent.flatMap(({ text }) => text.match(/https:\S+/g) ?? []);
    for (const link of links) {
      const { bindings } = box;
      const page = await send(new URL(link).pathname, { bindings });
      expect([page.status, page.headers.get("Content-Type")]).toEqual([
        200,
        expect.stringMatching(/^text\/html/),
      ]);
    }
  });

  it("links to the application that MAIL_LINK_URL names, and only there", async () => {
    const settings = { MAIL_LINK_URL: "https://app.acme.example" };
    const { box, user, forgot } = await createRecipient({}, settings);
    await forgot(user.email);
    expect(box.sent).toHaveLength(2);
    expectPages(box, "https://app.acme.example");
  });

  it("names the product, which is Roster unless APP_NAME says otherwise", async () => {
    const first = await createRecipient();
    expect(first.box.sent[0]?.text).toContain("an account at Roster.");
    const { box, logIn, user } = await createRecipient({}, { APP_NAME: "Marks & <Sparks>" });
    await logIn("Firefox");
    await logIn("Chrome");
    expect(box.to(user.email)).toHaveLength(2);
    for (const { text, html } of box.sent) {
      expect(text).toContain("an account at Marks & <Sparks>.");
      expect(html).toContain("an account at Marks &amp; &lt;Sparks&gt;.");
      expect(text + html).not.toContain("Roster");
    }
  });

  it("is safe for a name with line breaks: it adds neither a line nor a header", async () => {
    const { box, user, forgot } = await createRecipient();
    const name = "Ada\r\nBcc: everyone@example.com\r\n\r\nhttps://evil.example\u2028x";
    await sqlRun("UPDATE users SET first_name = ? WHERE id = ?", name, user.id);
    await forgot(user.email);
    const mail = box.to(user.email).at(-1);
    expect(mail?.subject).toBe("Reset your password");
    expect(mail?.text.split(/[\r\n\u2028]/)[0]).toMatch(/^Hello Ada Bcc: everyone@.* x,$/);
    expect(mail?.text).not.toMatch(/^Bcc|^https:\/\/evil/m);
    expect(mail?.to).toBe(user.email);
  });

  it("greets personal names unchanged", async () => {
    for (const first_name of [
      "José",
      "J.R.R. Tolkien",
      "O'Brien & Søn",
      "王小明",
      "👩‍🚀".repeat(30),
    ]) {
      const { box, user } = await createRecipient({ first_name });
      expect(box.to(user.email)[0]?.text).toContain(`Hello ${first_name},`);
    }
  });
});

describe("the mail about a new device", () => {
  const NOTICE = "New login to your account";

  it("is sent once per unknown device, and not for the first login", async () => {
    const box = createMailbox();
    const account = newAccount();
    await send("/v1/auth/register", { body: account, bindings: box.bindings });
    await flowsOf(box).verify(box.tokenTo(account.email));
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

  it("is not sent for a device that was used before many logins from another one", async () => {
    const clock = stopClock();
    const { box, user, logIn } = await createRecipient();
    const notices = () => box.subjectsTo(user.email).filter((subject) => subject === NOTICE);
    await logIn("Firefox");
    // One email of a kind is sent per minute.
    clock.pass(MINUTE);
    for (let i = 0; i < 25; i += 1) await logIn("Chrome");
    clock.pass(MINUTE);
    await logIn("Firefox");
    expect(notices()).toHaveLength(2);
  });

  it("is not sent for a wrong password, and is sent for a client without a User-Agent", async () => {
    const { box, user, logIn } = await createRecipient();
    await logIn("Firefox", "wrong password");
    expect(box.subjectsTo(user.email)).not.toContain(NOTICE);
    await logIn("Firefox");
    await logIn(undefined);
    await logIn(undefined);
    expect(box.subjectsTo(user.email).filter((subject) => subject === NOTICE)).toHaveLength(1);
  });
});

describe("the owner is notified", () => {
  it("of a lock-out, once per lock-out, which says how to unlock, and unknown names cause no mail", async () => {
    const { box, user, logIn } = await createRecipient();
    for (let i = 0; i < 9; i += 1) await logIn("x", "wrong password");
    expect(box.subjectsTo(user.email)).not.toContain("Your account is temporarily locked");
    for (let i = 0; i < 5; i += 1) await logIn("x", "wrong password");
    const locked = box.subjectsTo(user.email).filter((subject) => subject.includes("locked"));
    expect(locked).toEqual(["Your account is temporarily locked"]);
    expect(box.to(user.email).at(-1)?.text.replaceAll(/\s+/g, " ")).toContain(
      "reset your password, or ask an administrator to unlock the account",
    );
    const before = box.sent.length;
    for (let i = 0; i < 11; i += 1) {
      await send("/v1/auth/login", {
        body: { email: "stranger@example.com", password: "x" },
        bindings: box.bindings,
      });
    }
    expect(box.sent.length).toBe(before);
  });

  it("of a changed password, and not of a refused change", async () => {
    const { box, user } = await createRecipient();
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

  it("to confirm the address if an administrator created the account", async () => {
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
