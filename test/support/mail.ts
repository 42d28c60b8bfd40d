import { send } from "./api.ts";
import { newAccount, PASSWORD, type TestUser } from "./fixtures.ts";
import { createIsolate, warm } from "./isolates.ts";
import { notePrivate } from "./leaks.ts";

export interface SentMail {
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  headers?: Record<string, string>;
}

export type Mailbox = ReturnType<typeof createMailbox>;

/** Bindings of a new isolate whose mail is stored here. Set `faults` to fail before or after a mail is accepted. */
export function createMailbox(settings: Record<string, string | undefined> = {}) {
  const sent: SentMail[] = [];
  const faults: { refuses?: () => boolean; losesAnswer?: () => boolean } = {};
  let calls = 0;
  const EMAIL = {
    send: async (mail: SentMail) => {
      calls += 1;
      notePrivate(mail.to);
      notePrivate(/#token=(\S+)/.exec(mail.text)?.[1] ?? "");
      if (faults.refuses?.()) throw new Error(`the provider refuses ${mail.to}`);
      sent.push(mail);
      if (faults.losesAnswer?.()) throw new Error("the response is lost");
      return { messageId: String(calls) };
    },
  } as unknown as SendEmail;
  return {
    EMAIL,
    bindings: warm({ ...createIsolate(settings), EMAIL }),
    sent,
    faults,
    /** The number of send attempts, including failed ones. */
    calls: () => calls,
    /** The mails to an address, oldest first. */
    to: (address: string) => sent.filter((mail) => mail.to === address),
    subjectsTo: (address: string) =>
      sent.filter((mail) => mail.to === address).map(({ subject }) => subject),
    /** The token in the latest mail to an address. */
    tokenTo: (address: string) => tokenIn(sent.filter((mail) => mail.to === address).at(-1)),
  };
}

/** The one-time token in the link of a mail. */
export function tokenIn(mail: SentMail | undefined): string {
  const token = /#token=(\S+)/.exec(mail?.text ?? "")?.[1];
  if (!token) throw new Error(`no link in ${mail?.text}`);
  return token;
}

/** Registers a user against the mailbox's bindings and logs them in. */
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

/** Like `createMailUser`, with a verified address. Notices go to verified addresses only. */
export async function createVerifiedMailUser(
  box: Mailbox,
  fields: Record<string, unknown> = {},
): Promise<TestUser> {
  const user = await createMailUser(box, fields);
  const { status, text } = await flowsOf(box).verify(box.tokenTo(user.email));
  if (status !== 200) throw new Error(`not verified: ${text}`);
  return user;
}

/** Functions that send the requests of the mail flows to the given bindings. */
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

/** A user with a verified address who has requested a password reset, the token of its link, and what they can do with it. */
export async function requestReset() {
  const box = createMailbox();
  const user = await createVerifiedMailUser(box);
  const flows = flowsOf(box);
  await flows.forgot(user.email);
  return { box, user, token: box.tokenTo(user.email), ...flows };
}
