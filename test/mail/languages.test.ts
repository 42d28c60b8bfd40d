import { env } from "cloudflare:workers";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import { findLanguage } from "../../src/lib/languages.ts";
import { languageOfProfile } from "../../src/outbox/repository.ts";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import {
  createTestUser,
  newAccount,
  newEmail,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, createVerifiedMailUser, type Mailbox } from "../support/mail.ts";

const ENGLISH = "Reset your password";
const GERMAN = "Setzen Sie Ihr Passwort zurück";

const language = (acceptLanguage: string) => ({ "Accept-Language": acceptLanguage });

const setLocale = ({ token }: TestUser, locale: string | null) =>
  send("/v1/users/me/profile", { method: "PATCH", body: { locale }, token });

/** Requests a reset and returns its email. */
async function forgot(box: Mailbox, email: string, headers: Record<string, string> = {}) {
  await sqlRun("DELETE FROM mail_outbox");
  const { bindings } = box;
  const { status } = await send("/v1/auth/password/forgot", { body: { email }, headers, bindings });
  expect(status).toBe(202);
  return box.to(email).at(-1);
}

const languagesOf = (userId: string) =>
  sqlAll("SELECT kind, language FROM mail_outbox WHERE user_id = ? ORDER BY id", userId);

describe("the language of an email", () => {
  it("is the default, then that of the browser, then that of the profile", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    expect((await forgot(box, user.email))?.subject).toBe(ENGLISH);
    expect((await forgot(box, user.email, language("de-AT,de;q=0.9,en;q=0.8")))?.subject).toBe(
      GERMAN,
    );
    await setLocale(user, "en-GB");
    expect((await forgot(box, user.email, language("de")))?.subject).toBe(ENGLISH);
    await setLocale(user, "de-CH");
    expect((await forgot(box, user.email, language("en")))?.subject).toBe(GERMAN);
    await setLocale(user, null);
    expect((await forgot(box, user.email))?.subject).toBe(ENGLISH);
  });

  it("is that of the request if it names one", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    await setLocale(user, "en-GB");
    await emailLoginOf(box).request(user.email, { locale: "de-AT" });
    expect(box.to(user.email).at(-1)?.subject).toBe("Melden Sie sich bei Ihrem Konto an");
  });

  it("skips a source that names no language of emails", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    await setLocale(user, "fr-CH");
    expect((await forgot(box, user.email, language("de")))?.subject).toBe(GERMAN);
    expect((await forgot(box, user.email, language("ja, *")))?.subject).toBe(ENGLISH);
  });

  it("is by default that of MAIL_DEFAULT_LOCALE", async () => {
    const box = createMailbox({ MAIL_DEFAULT_LOCALE: "de" });
    const user = await createVerifiedMailUser(box);
    expect((await forgot(box, user.email))?.subject).toBe(GERMAN);
    expect((await forgot(box, user.email, language("en-US")))?.subject).toBe(ENGLISH);
  });

  it("is chosen for a registration, too, and is that of the whole email", async () => {
    const box = createMailbox();
    const account = newAccount();
    const { bindings } = box;
    await send("/v1/auth/register", { body: account, headers: language("de"), bindings });
    const [mail] = box.to(account.email);
    expect(mail?.subject).toBe("Bestätigen Sie Ihre E-Mail-Adresse");
    expect(mail?.headers).toEqual({ "Content-Language": "de" });
    expect(mail?.html).toContain('<html lang="de">');
    expect(mail?.text).toContain(`Hallo ${account.username},`);
    expect(mail?.text).toContain("Der Link ist 24 Stunden lang gültig.");
    expect(mail?.text).toContain("Diese E-Mail betrifft ein Konto bei Roster.");
  });

  it.each([
    ["preferences in any order", "en;q=0.3, fr;q=0.5, de-CH;q=0.9", GERMAN],
    ["a language that is refused", "de;q=0, en;q=0.1", ENGLISH],
    ["only a language that is refused", "de;q=0", ENGLISH],
    ["a wildcard", "*", ENGLISH],
    ["white space and upper case", "  DE-de ; q=1.0 ,", GERMAN],
    ["garbage before a language", ';;,=,q=,"de,\\,???,de_DE,--,de', GERMAN],
    ["only garbage", "'; DROP TABLE users; --", ENGLISH],
    ["a member of every object", "constructor, __proto__, toString", ENGLISH],
    ["an overlong list", `${"xx,".repeat(200)}de`, ENGLISH],
    ["an overlong tag", `de-${"abcdefgh-".repeat(20)}`, ENGLISH],
  ])("copes with %s in Accept-Language", async (_, header, subject) => {
    const box = createMailbox();
    const { email } = await createVerifiedMailUser(box);
    expect((await forgot(box, email, language(header)))?.subject).toBe(subject);
  });

  it("is decided when the email is queued, also if it is sent later", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    box.faults.refuses = () => true;
    await forgot(box, user.email, language("de"));
    await setLocale(user, "en");
    expect(await languagesOf(user.id)).toEqual([{ kind: "reset_password", language: "de" }]);
    box.faults.refuses = () => false;
    clock.pass(3_600_000);
    await runCron(MINUTELY, box.bindings);
    expect(box.to(user.email).at(-1)?.subject).toBe(GERMAN);
  });

  it("is the default for emails that were queued by a release with other languages", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    box.faults.refuses = () => true;
    for (const stored of [null, "fr"]) {
      await forgot(box, user.email, language("de"));
      await sqlRun("UPDATE mail_outbox SET language = ?", stored);
      box.faults.refuses = () => false;
      clock.pass(3_600_000);
      await runCron(MINUTELY, box.bindings);
      expect(box.to(user.email).at(-1)?.subject).toBe(ENGLISH);
      box.faults.refuses = () => true;
    }
  });

  it("costs no round trip", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const request = { body: { email: user.email }, bindings: box.bindings };
    await sqlRun("DELETE FROM mail_outbox");
    const without = costOf(await send("/v1/auth/password/forgot", request));
    await setLocale(user, "de-AT");
    await sqlRun("DELETE FROM mail_outbox");
    const headers = language("en");
    const withLocale = costOf(await send("/v1/auth/password/forgot", { ...request, headers }));
    expect(withLocale.queries).toBe(without.queries);
    expect(box.to(user.email).at(-1)?.subject).toBe(GERMAN);
  });
});

describe("an email about what someone else did", () => {
  it("is not in the language of the administrator's browser, but in that of the recipient's profile", async () => {
    const box = createMailbox();
    const admin = await createTestUser("admin");
    await setLocale(admin, "de");
    const person = await createVerifiedMailUser(box);
    const german = await createVerifiedMailUser(box);
    await setLocale(german, "de-AT");
    const { bindings } = box;
    const act = (path: string, body?: unknown, method = "POST") =>
      send(path, {
        method,
        ...(body ? { body } : {}),
        token: admin.token,
        headers: language("de"),
        bindings,
      });
    await sqlRun("DELETE FROM mail_outbox");
    const { password: _, ...invited } = newAccount();
    await act("/v1/users", invited);
    expect(box.subjectsTo(invited.email)).toEqual(["You are invited to create your account"]);
    for (const { id, email } of [person, german]) {
      expect((await act(`/v1/users/${id}/password/send-reset`)).status).toBe(202);
      expect((await act(`/v1/users/${id}`, { email: `new.${email}` }, "PATCH")).status).toBe(200);
      expect((await act(`/v1/users/${id}/email/send-verification`)).status).toBe(429);
    }
    const subjects = ({ email }: TestUser) =>
      [email, `new.${email}`].map((to) => box.subjectsTo(to).slice(-2));
    expect(subjects(person).flat()).toEqual([
      ENGLISH,
      "Your email address was changed",
      "Confirm your email address",
    ]);
    expect(subjects(german).flat()).toEqual([
      GERMAN,
      "Ihre E-Mail-Adresse wurde geändert",
      "Bestätigen Sie Ihre E-Mail-Adresse",
    ]);
  });

  it("is not in the language of an API key's client either", async () => {
    const box = createMailbox();
    const key = await createTestKey(await createTestUser("admin"), ["users:create"]);
    const { password: _, ...invited } = newAccount();
    const { status } = await sendWithKey(key, "/v1/users", {
      method: "POST",
      body: invited,
      headers: language("de"),
      bindings: box.bindings,
    });
    expect(status).toBe(201);
    expect(box.subjectsTo(invited.email)).toEqual(["You are invited to create your account"]);
  });

  it("is in the browser's language for what people do with their own account", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const email = newEmail();
    await send("/v1/auth/email/change", {
      body: { email, current_password: "SecurePass123!" },
      token: user.token,
      headers: language("de"),
      bindings: box.bindings,
    });
    expect(box.subjectsTo(email)).toEqual(["Bestätigen Sie Ihre neue E-Mail-Adresse"]);
    expect(box.subjectsTo(user.email).at(-1)).toBe("Ihre E-Mail-Adresse soll geändert werden");
  });
});

describe("a notice", () => {
  it("says when it happened, in the time zone of the profile", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const logInFrom = (agent: string) =>
      send("/v1/auth/login", {
        body: { username: user.username, password: "SecurePass123!" },
        headers: { "User-Agent": agent },
        bindings: box.bindings,
      });
    const timeIn = (timeZone: string) =>
      new Intl.DateTimeFormat("en", { hour: "numeric", minute: "2-digit", timeZone }).format(
        clock.start,
      );
    await logInFrom("Firefox");
    await send("/v1/users/me/profile", {
      method: "PATCH",
      body: { timezone: "Asia/Tokyo" },
      token: user.token,
    });
    await sqlRun("DELETE FROM mail_outbox");
    await logInFrom("Chrome");
    const texts = box
      .to(user.email)
      .map(({ text }) => text)
      .filter((text) => text.includes("new device"));
    expect(texts).toHaveLength(2);
    expect(texts[0]).toContain(`${timeIn("UTC")} UTC\n`);
    expect(texts[1]).toContain(`${timeIn("Asia/Tokyo")} GMT+9\n`);
  });
});

describe("the lookup in D1", () => {
  it.each(["de", "de-AT", "DE-at", "pt-BR", "pt-br-abl1943", "pt-PT", "den", "fr"])(
    "finds for the profile's %s what the lookup in the worker finds",
    async (locale) => {
      const user = await createTestUser();
      await setLocale(user, locale);
      const languages = ["en", "de", "pt", "pt-BR"];
      const { sql, params } = new SQLiteSyncDialect().sqlToQuery(
        languageOfProfile(user.id, languages),
      );
      const row = await env.DB.prepare(`SELECT ${sql} AS found`)
        .bind(...params)
        .first<{ found: string | null }>();
      expect(row?.found ?? undefined).toBe(findLanguage([locale], languages));
    },
  );
});
