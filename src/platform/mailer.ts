import { SECOND } from "../lib/time.ts";

interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The same for every try at one mail: a provider that knows it sends it once. */
  idempotencyKey: string;
}

/** A way out for mail. Rejects when the provider does not take it. */
export type SendMail = (mail: Mail) => Promise<void>;

const TIMEOUT_MS = 10 * SECOND;

/** Cloudflare's `send_email` binding. Under `wrangler dev` it writes the mail to files and logs where. */
export function createBindingMailer(binding: SendEmail, from: string): SendMail {
  return async ({ to, subject, text, html }) => {
    await binding.send({ from, to, subject, text, html });
  };
}

/** A provider's HTTP API of Resend's form. */
export function createHttpMailer(
  provider: { url: string; apiKey: string },
  from: string,
): SendMail {
  return async ({ to, subject, text, html, idempotencyKey }) => {
    const response = await fetch(provider.url, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${provider.apiKey}`,
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey,
      },
      body: JSON.stringify({ from, to: [to], subject, text, html }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`mail provider answered ${response.status}`);
  };
}
