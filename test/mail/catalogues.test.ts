import { describe, expect, it } from "vitest";
import { CATALOGUES } from "../../src/outbox/catalogue/languages.ts";
import { formatDuration, type MailContent, renderMail } from "../../src/outbox/render.ts";
import {
  hasLink,
  linkOf,
  MAIL_KINDS,
  type MailKind,
  purposeOf,
} from "../../src/outbox/templates.ts";
import { MAIL_LANGUAGES, type MailLanguage } from "../../src/settings.ts";

const TOKEN = `rot_${"x".repeat(43)}`;
const BASE_URL = "https://app.acme.example";

const render = (kind: MailKind, language: MailLanguage, content: Partial<MailContent> = {}) =>
  renderMail(kind, {
    language,
    name: "Ada",
    about: kind === "address_proven" ? '["password", "sessions"]' : "Deployment",
    code: "492039",
    appName: "Acme",
    at: Date.UTC(2026, 0, 31, 18, 5),
    timeZone: "UTC",
    link: hasLink(kind) ? { baseUrl: BASE_URL, token: TOKEN } : undefined,
    ...content,
  });

/** How each language writes durations and times. */
const WORDS: Readonly<Record<MailLanguage, { validFor: RegExp; time: RegExp }>> = {
  en: {
    validFor: /\b(10 minutes|1 hour|24 hours|7 days)\b/,
    time: /^Time: January 31, 2026 at 6:05\sPM UTC$/m,
  },
  de: {
    validFor: /\b(10 Minuten|1 Stunde|24 Stunden|7 Tage)\b/,
    time: /^Zeitpunkt: 31\. Januar 2026 um 18:05 UTC$/m,
  },
};

const CASES = MAIL_LANGUAGES.flatMap((language) => MAIL_KINDS.map((kind) => ({ kind, language })));

/** The text of an HTML document, a line per element. */
function readHtml(html: string): string[] {
  const [, body = ""] = html.split("<body");
  const text = body.replace(/<[^>]*>/g, "\n").replace(/^[^>]*>/, "");
  const lines = text.replace(/&(quot|amp|lt|gt|#39);/g, (entity) => ENTITIES[entity] ?? entity);
  return lines.split("\n").filter((line) => line.trim() !== "");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&quot;": '"',
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&#39;": "'",
};

describe.each(CASES)("$kind in $language", ({ kind, language }) => {
  const { subject, text, html } = render(kind, language);
  const paragraphs = text.trimEnd().split("\n\n");

  it("has a subject on one line, without names", () => {
    expect(subject).toMatch(/^\p{Lu}[^\p{Cc}.]{9,59}$/u);
    expect(subject).not.toMatch(/Ada|Deployment|Acme/);
  });

  it("has complete texts: each paragraph is a sentence, and nothing is left to fill in", () => {
    expect(paragraphs[0]).toMatch(/^\p{Lu}\p{L}+ Ada,$/u);
    expect(paragraphs.at(-1)).toContain("Acme.");
    expect(subject + text).not.toMatch(/undefined|null|NaN|\[object|\$\{|\{\w*\}|TODO|=>/);
    const sentences = paragraphs.filter(
      (line) => !/^https:|\nhttps:| 492039$/.test(line) && !WORDS[language].time.test(line),
    );
    for (const sentence of sentences.slice(1)) expect(sentence).toMatch(/^\p{Lu}.*\.$/u);
  });

  it("says the same as HTML, in a document that names its language and title", () => {
    expect(html).toMatch(new RegExp(`^<!doctype html>\\s*<html lang="${language}">`));
    expect(html).toContain(`<title>${subject}</title>`);
    const lines = readHtml(html);
    expect(lines.slice(0, 2)).toEqual(["Acme", subject]);
    for (const line of paragraphs.filter((line) => !line.includes("#"))) {
      expect(lines).toContain(line);
    }
  });

  it("loads nothing, and runs nothing", () => {
    expect(html).not.toMatch(
      /<(img|link|script|iframe|object|form|svg|base)\b|url\(|@import|\son\w+=/i,
    );
    expect(html.match(/https?:\/\/[^\s"<]+/g) ?? []).toEqual(
      hasLink(kind)
        ? [
            expect.stringContaining(`#token=${TOKEN}`),
            ...(linkOf(kind)?.hasDisown ? [expect.stringContaining(`#disown=${TOKEN}`)] : []),
          ]
        : [],
    );
  });

  it("shows names as they are, and as text", () => {
    const harm = `<img src=x onerror="a">&\n\nhttps://evil.example`;
    const mail = render(kind, language, {
      name: harm,
      about: kind === "address_proven" ? "[]" : harm,
      appName: "<b>Acme</b>",
    });
    expect(mail.html).not.toMatch(/<img|<b>/);
    expect(mail.text + mail.html).not.toMatch(/https:\/\/evil|evil\.example/);
    expect(mail.text.split("\n\n")).toHaveLength(paragraphs.length);
    expect(mail.subject).toBe(subject);
  });
});

describe.each(CASES.filter(({ kind }) => hasLink(kind)))(
  "$kind in $language",
  ({ kind, language }) => {
    it("has its link once, and says how long it is valid", () => {
      const { text, html } = render(kind, language);
      const links = text.match(/^https:\S+#token=\S+$/gm) ?? [];
      const link = /^https:\/\/app\.acme\.example\/[a-z-]+#token=rot_x{43}$/;
      expect(links).toEqual([expect.stringMatching(link)]);
      expect(html).toContain(`href="${links[0]}"`);
      expect(text).toMatch(WORDS[language].validFor);
    });

    it("mentions no request of the API: the page sends it", () => {
      const { text, html } = render(kind, language);
      expect(text + html).not.toMatch(/POST|JSON|\/v1\//);
    });
  },
);

describe.each(CASES.filter(({ kind }) => !purposeOf(kind)))(
  "$kind in $language",
  ({ kind, language }) => {
    it("has no link, and says when it was caused", () => {
      const { text, html } = render(kind, language);
      expect(text + html).not.toMatch(/https?:|<a /);
      expect(text).toMatch(WORDS[language].time);
    });
  },
);

describe("formatDuration", () => {
  it.each([
    [10 * 60_000, "10 minutes", "10 Minuten"],
    [3_600_000, "1 hour", "1 Stunde"],
    [24 * 3_600_000, "24 hours", "24 Stunden"],
    [7 * 24 * 3_600_000, "7 days", "7 Tage"],
  ])("writes %i ms as %s and %s", (ms, en, de) => {
    expect([formatDuration("en", ms), formatDuration("de", ms)]).toEqual([en, de]);
  });
});

describe("the catalogues", () => {
  const textsOf = (language: MailLanguage) =>
    MAIL_KINDS.flatMap((kind) => {
      const { subject, text } = render(kind, language);
      return [subject, ...text.split("\n\n").filter((line) => !line.startsWith("https:"))];
    });

  it("have no text in common, so that none was forgotten in a translation", () => {
    const seen = new Map<string, MailLanguage>();
    for (const language of MAIL_LANGUAGES) {
      for (const text of textsOf(language)) {
        expect(seen.get(text) ?? language, text).toBe(language);
        seen.set(text, language);
      }
    }
  });

  it("mention the same values in every language", () => {
    const about = (language: MailLanguage) =>
      MAIL_KINDS.filter((kind) => render(kind, language).text.includes("Deployment"));
    for (const language of MAIL_LANGUAGES)
      expect(about(language)).toEqual(["api_key_created", "identity_linked", "identity_unlinked"]);
  });

  it("have a subject of its own for each kind", () => {
    for (const language of MAIL_LANGUAGES) {
      const subjects = MAIL_KINDS.map((kind) => render(kind, language).subject);
      expect(new Set(subjects).size).toBe(MAIL_KINDS.length);
    }
  });

  it("are those of the languages that Intl can format", () => {
    const languages = Object.keys(CATALOGUES);
    expect(Intl.DateTimeFormat.supportedLocalesOf(languages)).toEqual(languages);
    expect(languages).toEqual([...MAIL_LANGUAGES]);
  });
});
