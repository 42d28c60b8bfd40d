// Renders every kind of email in every language, to look at: npm run mails [-- <folder>]
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderMail } from "../src/outbox/render.ts";
import { MAIL_KINDS, type MailKind } from "../src/outbox/templates.ts";
import { MAIL_LANGUAGES, type MailLanguage } from "../src/settings.ts";
import { readCommandLine } from "./lib/command-line.ts";

const USAGE = `Usage:
  npm run mails [-- FOLDER]
Renders every kind of email in every language into a folder, by default .wrangler/mails.`;

const { positionals } = readCommandLine(USAGE, { allowPositionals: true });
const folder = positionals[0] ?? join(import.meta.dirname, "../.wrangler/mails");

/** The same content for all kinds; a kind takes what it needs. */
const CONTENT = {
  name: "Ada Lovelace",
  appName: "Roster",
  code: "492039",
  at: Date.now(),
  timeZone: "Europe/Zurich",
  link: {
    baseUrl: "https://accounts.example.com",
    token: `rot_${"x".repeat(43)}`,
  },
};

async function write(language: MailLanguage, kind: MailKind): Promise<string> {
  const about = kind === "address_proven" ? '["password", "sessions"]' : "Deployment";
  const { subject, text, html } = renderMail(kind, { ...CONTENT, about, language });
  const name = `${kind}.${language}`;
  await writeFile(join(folder, `${name}.html`), html);
  await writeFile(join(folder, `${name}.txt`), `Subject: ${subject}\n\n${text}`);
  return `<li><a href="${name}.html">${kind}</a> <a href="${name}.txt">text</a>: ${subject}</li>`;
}

await mkdir(folder, { recursive: true });
const sections = await Promise.all(
  MAIL_LANGUAGES.map(async (language) => {
    const items = await Promise.all(MAIL_KINDS.map((kind) => write(language, kind)));
    return `<h2>${language}</h2><ul>${items.join("\n")}</ul>`;
  }),
);
const index = join(folder, "index.html");
await writeFile(
  index,
  `<!doctype html><meta charset="utf-8"><title>Emails</title>${sections.join("\n")}`,
);
console.log(`Open ${index}`);
