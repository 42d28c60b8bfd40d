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
}

/** What a text may mention, formatted for its language and safe to show. */
export interface MailValues {
  /** The name of what the email is about. */
  about: string;
  /** How long the link is valid, such as "24 hours". */
  validFor: string;
}

type Entry<T> = T | ((values: MailValues) => T);

/** The emails in one language. A kind that has no text does not compile. */
export interface Catalogue {
  readonly mails: {
    readonly [K in MailKind]: Entry<K extends LinkKind ? LinkText : NoticeText>;
  };
  greeting(name: string): string;
  /** When what a notice reports happened. */
  time(at: string): string;
  /** How to use the token of a link that opens no page. */
  usage(request: { url: string; body: string }): string;
  closing(appName: string): string;
}
