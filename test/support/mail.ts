import { send } from "./api.ts";
import { newAccount, PASSWORD, type TestUser } from "./fixtures.ts";
import { isolate } from "./isolates.ts";

/** At which call the provider fails, from 1. */
export type FailsAtCall = (call: number) => boolean;

export const nth =
  (n: number): FailsAtCall =>
  (call) =>
    call === n;

export interface SentMail {
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

export type Mailbox = ReturnType<typeof createMailbox>;

/** Bindings of an isolate of their own whose mail arrives here. It fails when told to: before it takes a mail, or after. */
export function createMailbox(settings: Record<string, string | undefined> = {}) {
  const sent: SentMail[] = [];
  const faults: { refuses?: FailsAtCall; losesAnswer?: FailsAtCall } = {};
  let calls = 0;
  const EMAIL = {
    send: async (mail: SentMail) => {
      calls += 1;
      const call = calls;
      if (faults.refuses?.(call)) throw new Error(`the provider refuses ${mail.to}`);
      sent.push(mail);
      if (faults.losesAnswer?.(call)) throw new Error("the answer is lost");
      return { messageId: String(call) };
    },
  } as unknown as SendEmail;
  return {
    EMAIL,
    bindings: { ...isolate(settings), EMAIL },
    sent,
    faults,
    /** How often a mail was handed over, whatever came of it. */
    calls: () => calls,
    /** The mails to an address, the oldest first. */
    to: (address: string) => sent.filter((mail) => mail.to === address),
    subjectsTo: (address: string) =>
      sent.filter((mail) => mail.to === address).map(({ subject }) => subject),
    /** The token in the last link that went to an address. */
    tokenTo: (address: string) => tokenIn(sent.filter((mail) => mail.to === address).at(-1)),
  };
}

/** The one-time token in a mail's link. */
export function tokenIn(mail: SentMail | undefined): string {
  const token = /#token=(\S+)/.exec(mail?.text ?? "")?.[1];
  if (!token) throw new Error(`no link in ${mail?.text}`);
  return token;
}

/** Registers someone whose mail arrives in the box, and logs them in. */
export async function createMailUser(
  { bindings }: { bindings: Cloudflare.Env },
  fields: Record<string, unknown> = {},
): Promise<TestUser> {
  const account = newAccount(fields);
  const { status, body, text } = await send("/v1/auth/register", { body: account, bindings });
  if (status !== 201) throw new Error(`no user: ${text}`);
  const login = await send("/v1/auth/login", {
    body: { username: account.username, password: PASSWORD },
    bindings,
  });
  return {
    id: body.id,
    username: account.username,
    email: account.email,
    token: login.body.access_token,
    refreshToken: login.body.refresh_token,
  };
}

/** The requests of the flows, against bindings. */
export function flowsOf({ bindings }: { bindings: Cloudflare.Env }) {
  const post = (path: string, body?: unknown, token?: string) =>
    send(path, { method: "POST", bindings, ...(body ? { body } : {}), ...(token && { token }) });
  return {
    verify: (token: string) => post("/v1/auth/email/verify", { token }),
    resend: (token: string) => post("/v1/auth/email/resend", undefined, token),
    forgot: (email: string) => post("/v1/auth/password/forgot", { email }),
    reset: (token: string, password: string) =>
      post("/v1/auth/password/reset", { token, password }),
    changeEmail: (token: string, email: string, current_password = PASSWORD) =>
      post("/v1/auth/email/change", { email, current_password }, token),
    logIn: (username: string, password = PASSWORD) =>
      post("/v1/auth/login", { username, password }),
  };
}
