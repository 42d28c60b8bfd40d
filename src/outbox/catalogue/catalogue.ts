import type { LinkKind, MailKind } from "../templates.ts";

/** The text of an email without a link. Each line is a paragraph. */
export interface NoticeText {
  subject: string;
  lines: readonly string[];
}

/** The text of an email with a link. */
export interface LinkText extends NoticeText {
  /** The text of the link. */
  button: string;
  /** The text of the second link, where there is one. */
  disown?: string;
}

/** What a text may mention, formatted for its language and safe to show. */
export interface MailValues {
  /** The name of what the email is about. */
  about: string;
  /** What was removed: a list of names, in the language. */
  removed: string;
  /** The code that stands for the token. */
  code: string;
  /** How long the link or code is valid, such as "24 hours". */
  validFor: string;
}

type Entry<T> = T | ((values: MailValues) => T);

/** What the first proof of an address removes. */
export type Removed = "password" | "sessions" | "api_keys" | "factors" | "identities";

/** The emails in one language. A kind that has no text does not compile. */
export interface Catalogue {
  readonly mails: {
    readonly [K in MailKind]: Entry<K extends LinkKind ? LinkText : NoticeText>;
  };
  readonly removed: Readonly<Record<Removed, string>>;
  greeting(name: string): string;
  /** When what a notice reports happened. */
  time(at: string): string;
  closing(appName: string): string;
}
