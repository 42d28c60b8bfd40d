import { SECOND } from "../lib/time.ts";
import { type Correlation, correlationHeaders } from "./correlation.ts";

interface Mail extends Correlation {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The BCP 47 tag of its language. */
  language: string;
  /** The same for every attempt to send an email. Providers that support it deliver the email once. */
  idempotencyKey: string;
}

/** Sends an email. Rejects if the provider does not accept it, with `MailRefused` if another attempt is useless. */
export type SendMail = (mail: Mail) => Promise<void>;

/** The provider refuses an email permanently. `reason` is its status or error code, which contains no personal data. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(`the mail provider refuses the email: ${reason}`, { cause });
    this.reason = reason;
  }
}

const TIMEOUT_MS = 10 * SECOND;

/**
 * Statuses from 400 to 499 after which another attempt may succeed: credentials, payment or permissions that the operator can
 * fix, time-out, conflict, too early, too many requests.
 */
const RETRIED_STATUSES: readonly number[] = [401, 402, 403, 408, 409, 425, 429];

/**
 * The documented codes of the `send_email` binding that are about the email itself, which would get them again. All others are
 * retried, also those about the sender: the operator can fix its settings.
 */
const REFUSAL_CODES =
  /^E_(VALIDATION_ERROR|FIELD_MISSING|TOO_MANY_\w+|RECIPIENT_\w+|CONTENT_TOO_LARGE|HEADERS?_\w+)$/;

/**
 * Sends through Cloudflare's `send_email` binding. Under `wrangler dev`, the binding writes emails to files and logs their
 * paths.
 */
export function createBindingMailer(binding: SendEmail, from: string): SendMail {
  return async ({ to, subject, text, html, language }) => {
    const headers = { "Content-Language": language };
    try {
      await binding.send({ from, to, subject, text, html, headers });
    } catch (error) {
      const code = String((error as { code?: unknown } | null)?.code);
      throw REFUSAL_CODES.test(code) ? new MailRefused(code, error) : error;
    }
  };
}

/** Sends through an HTTP API that is compatible with Resend's. */
export function createHttpMailer(
  provider: { url: string; apiKey: string },
  from: string,
): SendMail {
  return async ({ to, subject, text, html, language, idempotencyKey, ...correlation }) => {
    const headers = { "Content-Language": language };
    const response = await fetch(provider.url, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${provider.apiKey}`,
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey,
        ...correlationHeaders(correlation),
      },
      body: JSON.stringify({ from, to: [to], subject, text, html, headers }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { ok, status } = response;
    if (ok) return;
    const isRefusal = status >= 400 && status < 500 && !RETRIED_STATUSES.includes(status);
    if (isRefusal) throw new MailRefused(String(status));
    throw new Error(`mail provider returned ${status}`);
  };
}
