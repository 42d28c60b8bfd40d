import { send } from "./api.ts";
import { createMailbox, createVerifiedMailUser, type Mailbox, tokenIn } from "./mail.ts";

/** A mailbox of a service where people log in by email, without a limit per address. */
export function createLoginMailbox(settings: Record<string, string | undefined> = {}): Mailbox {
  return createMailbox({ EMAIL_LOGIN: "on", RATE_LIMIT_AUTH: "0", ...settings });
}

/** The code in the latest mail to an address. */
export function codeTo(box: Mailbox, address: string): string {
  const code = /(?<!\S)(\d{6})(?!\S)/.exec(box.to(address).at(-1)?.text ?? "")?.[1];
  if (!code) throw new Error(`no code in ${box.to(address).at(-1)?.text}`);
  return code;
}

/** A code that is not this one. */
export function otherCode(code: string, by = 1): string {
  return String((Number(code) + by) % 1_000_000).padStart(6, "0");
}

/** Functions that send the requests of a login by email to the given bindings. */
export function emailLoginOf({ bindings }: { bindings: Cloudflare.Env }) {
  const verify = (body: object, more = {}) =>
    send("/v1/auth/email-login/verify", { body, bindings, ...more });
  return {
    request: (email: string, more: object = {}) =>
      send("/v1/auth/email-login", { body: { email, ...more }, bindings }),
    verify,
    byLink: (token: string) => verify({ token }),
    byCode: (login_token: string, code: string) => verify({ login_token, code }),
  };
}

/** A user with a verified address who has asked to log in, and what the email has. */
export async function requestLogin(box = createLoginMailbox()) {
  const user = await createVerifiedMailUser(box);
  const flows = emailLoginOf(box);
  const { body } = await flows.request(user.email);
  const code = codeTo(box, user.email);
  const token = tokenIn(box.to(user.email).at(-1));
  return { box, user, code, token, loginToken: body.login_token as string, ...flows };
}
