import { html, raw } from "hono/html";

interface MailLayout {
  language: string;
  subject: string;
  appName: string;
  paragraphs: readonly string[];
  button: { url: string; text: string } | undefined;
  /** A link that is less prominent than the button. */
  second: { url: string; text: string } | undefined;
  footer: readonly string[];
}

const FONT = "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica, Arial, sans-serif";

/** Many email clients ignore style sheets: these styles are in the elements. */
const STYLES = {
  page: `margin: 0; padding: 0; background-color: #f3f4f6; font-family: ${FONT}`,
  margin: "padding: 32px 16px",
  card: "width: 100%; max-width: 560px; background-color: #ffffff; border-radius: 8px",
  content: "padding: 32px 24px; text-align: left",
  product: "margin: 0 0 24px; font-size: 14px; line-height: 20px; font-weight: 600; color: #6b7280",
  subject: "margin: 0 0 16px; font-size: 22px; line-height: 30px; font-weight: 600; color: #111827",
  paragraph: "margin: 0 0 16px; font-size: 16px; line-height: 24px; color: #1f2937",
  action: "margin: 24px 0",
  button:
    "display: inline-block; padding: 12px 24px; font-size: 16px; line-height: 24px; font-weight: 600; text-align: center; text-decoration: none; color: #ffffff; background-color: #1d4ed8; border-radius: 6px",
  link: "color: #1d4ed8",
  footer: "margin-top: 24px; padding-top: 16px; border-top: 1px solid #e5e7eb",
  note: "margin: 0 0 8px; font-size: 13px; line-height: 20px; color: #6b7280; overflow-wrap: anywhere",
};

/** Clients that have a dark mode of their own know this media query, or recolor the light styles. */
const DARK = `:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #111827 !important; }
  .card { background-color: #1f2937 !important; }
  .subject, .paragraph { color: #f3f4f6 !important; }
  .product, .note { color: #9ca3af !important; }
  .button { background-color: #2563eb !important; }
  .link { color: #93c5fd !important; }
  .footer { border-top-color: #374151 !important; }
}`;

/** An email as an HTML document. It needs nothing from elsewhere: no images, fonts or style sheets. All texts are escaped. */
export function layOut({
  language,
  subject,
  appName,
  paragraphs,
  button,
  second,
  footer,
}: MailLayout) {
  const document = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<style>${raw(DARK)}</style>
</head>
<body class="page" style="${STYLES.page}">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="${STYLES.page}"><tr>
<td align="center" style="${STYLES.margin}">
<table role="presentation" class="card" width="560" cellpadding="0" cellspacing="0" border="0" style="${STYLES.card}"><tr>
<td style="${STYLES.content}">
<p class="product" style="${STYLES.product}">${appName}</p>
<h1 class="subject" style="${STYLES.subject}">${subject}</h1>
${paragraphs.map((line) => html`<p class="paragraph" style="${STYLES.paragraph}">${line}</p>\n`)}
${button && html`<p style="${STYLES.action}"><a class="button" href="${button.url}" style="${STYLES.button}">${button.text}</a></p>`}
${second && html`<p class="paragraph" style="${STYLES.paragraph}"><a class="link" href="${second.url}" style="${STYLES.link}">${second.text}</a></p>`}
<div class="footer" style="${STYLES.footer}">
${footer.map((line) => html`<p class="note" style="${STYLES.note}">${line}</p>\n`)}
</div>
</td>
</tr></table>
</td>
</tr></table>
</body>
</html>
`;
  return String(document);
}
