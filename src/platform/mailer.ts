import { SECOND } from "../lib/time.ts";

interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The same for every attempt to send an email. Providers that support it deliver the email once. */
  idempotencyKey: string;
}

/** Sends an email. Rejects if the provider does not accept it. */
export type SendMail = (mail: Mail) => Promise<void>;

const TIMEOUT_MS = 10 * SECOND;

/** Sends through Cloudflare's `send_email` binding. Under `wrangler dev`, the binding writes emails to files and logs their paths. */
export function createBindingMailer(binding: SendEmail, from: string): SendMail {
  return async ({ to, subject, text, html }) => {
    await binding.send({ from, to, subject, text, html });
  };
}

/** Sends through an HTTP API that is compatible with Resend's. */
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
    if (!response.ok) throw new Error(`mail provider returned ${response.status}`);
  };
}
