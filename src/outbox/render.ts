import { tokenTtlSeconds } from "../authentication/one-time-tokens/tokens.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../lib/time.ts";
import type { MailLanguage } from "../settings.ts";
import type { LinkText, MailValues, NoticeText, Removed } from "./catalogue/catalogue.ts";
import { CATALOGUES } from "./catalogue/languages.ts";
import { layOut } from "./layout.ts";
import { linkOf, type MailKind, purposeOf } from "./templates.ts";

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

export interface MailContent {
  language: MailLanguage;
  /** The name of the recipient. */
  name: string;
  /** The name of what the email is about, for kinds that mention it. */
  about: string | null;
  appName: string;
  /** The code that stands for the token; undefined for an email without a token. */
  code: string | undefined;
  /** When the email was queued. A notice shows it in the time zone. */
  at: number;
  /** An IANA time zone. */
  timeZone: string;
  /** Undefined for an email without a link. */
  link: { baseUrl: string; token: string } | undefined;
}

/** Renders an email as text and as HTML. The link is built from the configured URL, and names are escaped. */
export function renderMail(kind: MailKind, content: MailContent): RenderedMail {
  const { language, link } = content;
  const catalogue = CATALOGUES[language];
  const target = linkOf(kind);
  const { subject, lines, ...rest } = textOf(kind, content);
  const paragraphs = [catalogue.greeting(toOneLine(content.name)), ...lines];
  const url = target && link && `${link.baseUrl}${target.path}#token=${link.token}`;
  const footer = [catalogue.closing(content.appName)];
  if (!purposeOf(kind)) paragraphs.push(catalogue.time(formatTime(content)));
  const button = url && "button" in rest ? { url, text: rest.button } : undefined;
  const second =
    target?.hasDisown && link && "disown" in rest && rest.disown
      ? { url: `${link.baseUrl}${target.path}#disown=${link.token}`, text: rest.disown }
      : undefined;
  const urls = [
    ...(button ? [button.url] : []),
    ...(second ? [`${second.text}\n${second.url}`] : []),
  ];
  const text = [...paragraphs, ...urls, ...footer].join("\n\n");
  const { appName } = content;
  const html = layOut({ language, subject, appName, paragraphs, button, second, footer });
  return { subject, text: `${text}\n`, html };
}

function textOf(kind: MailKind, { language, about, code }: MailContent): NoticeText | LinkText {
  const entry: NoticeText | LinkText | ((values: MailValues) => NoticeText | LinkText) =
    CATALOGUES[language].mails[kind];
  if (typeof entry !== "function") return entry;
  const purpose = purposeOf(kind);
  return entry({
    about: toOneLine(about ?? ""),
    removed: kind === "address_proven" ? listRemoved(language, about) : "",
    code: code ?? "",
    validFor: purpose ? formatDuration(language, tokenTtlSeconds(purpose) * SECOND) : "",
  });
}

// `about` is a JSON array of the names in the event of the proof.
function listRemoved(language: MailLanguage, about: string | null): string {
  const names = JSON.parse(about ?? "[]") as Removed[];
  const texts = names.map((name) => CATALOGUES[language].removed[name]);
  return new Intl.ListFormat(language).format(texts);
}

const MINUTES = { unit: "minute", ms: MINUTE };
const UNITS = [
  { unit: "day", from: 2 * DAY, ms: DAY },
  { unit: "hour", from: HOUR, ms: HOUR },
];

/** One format per language and unit, because making one costs about as much as the rest of an email. */
const durationFormats = new Map<string, Intl.NumberFormat>();

/** A duration such as "24 hours". */
export function formatDuration(language: MailLanguage, duration: number): string {
  const { unit, ms } = UNITS.find(({ from }) => duration >= from) ?? MINUTES;
  const key = `${language} ${unit}`;
  let format = durationFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" });
    durationFormats.set(key, format);
  }
  return format.format(duration / ms);
}

function formatTime({ language, at, timeZone }: MailContent): string {
  const format = new Intl.DateTimeFormat(language, {
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone,
    timeZoneName: "short",
  });
  return format.format(at);
}

// Users choose their names: a name must not start a new line, or contain a host that email clients would turn into a link.
function toOneLine(name: string): string {
  const text = name.replace(/\s+/g, " ").replace(/:\/\//g, " ");
  return text.replace(/[.。．｡](?=[\p{L}\p{N}-]{2})/gu, ". ");
}
