// npm run test:races: concurrent requests over real HTTP, against a new worker.
// Prints one line per race with the outcome, and fails if an outcome is wrong.
import assert from "node:assert/strict";
import {
  type Answer,
  type Client,
  type Credentials,
  createClient,
  ProxyError,
  tally,
  times,
} from "./client.ts";
import { guessFactorTogether, guessTogether, verifyFactorTogether } from "./guess-races.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { withDevServer } from "./server.ts";
import {
  assertDead,
  logInElsewhere,
  NEW_PASSWORD,
  refreshAgainst,
  refreshTogether,
} from "./session-races.ts";
import { codeOf } from "./totp.ts";

const NO_LIMITS = {
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_REFRESH: "0",
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_WRITE: "0",
};

type Race = (client: Client, mailbox: Mailbox) => Promise<string>;

const RACES: Record<string, Race> = {
  "20 refreshes of one token": refreshTogether,
  "refresh against logout": (client) =>
    refreshAgainst(
      client,
      async ({ token }) =>
        () =>
          client.post("/v1/auth/logout", undefined, token),
    ),
  "refresh against a password change in another session": (client) =>
    refreshAgainst(client, (user) => logInElsewhere(client, user)),
  "refresh against deactivation": (client) =>
    refreshAgainst(
      client,
      async ({ id }) =>
        () =>
          client.patch(`/v1/users/${id}`, { is_active: false }, client.admin.token),
    ),
  "refresh against deletion": (client) =>
    refreshAgainst(
      client,
      async ({ id }) =>
        () =>
          client.delete(`/v1/users/${id}`, client.admin.token),
    ),
  "20 registrations with one email": registerTogether,
  "two PUTs with one ETag": putTogether,
  "40 wrong passwords": guessTogether,
  "one code of an authenticator app 20 times": (client) =>
    verifyFactorTogether(client, ({ secret }) => ({ method: "totp", code: codeOf(secret) })),
  "one recovery code 20 times": (client) =>
    verifyFactorTogether(client, ({ codes: [code] }) => ({ method: "recovery_code", code })),
  "20 wrong second factors": guessFactorTogether,
  "one reset token 10 times": resetTogether,
  "one verification token 10 times": verifyTogether,
  "two administrators against each other": rivalAdministrators,
};

const mailbox = await openMailbox();
await withDevServer(
  async ({ url, admin }) => {
    const client = await createClient(url, admin);
    for (const [name, race] of Object.entries(RACES)) {
      try {
        console.log(`ok    ${name}: ${await run(race, client)}`);
      } catch (error) {
        console.log(`FAIL  ${name}: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  },
  { ...NO_LIMITS, ...mailbox.settings, APP_URL: "https://roster.test" },
).finally(mailbox.close);

/** Runs a race, and repeats it once if a request did not reach the worker. */
async function run(race: Race, client: Client): Promise<string> {
  try {
    return await race(client, mailbox);
  } catch (error) {
    if (error instanceof ProxyError) return race(client, mailbox);
    throw error;
  }
}

async function registerTogether(client: Client): Promise<string> {
  const email = `twin-${crypto.randomUUID()}@example.com`;
  const answers = await Promise.all(
    times(20, (i) =>
      client.post("/v1/auth/register", {
        username: `twin-${crypto.randomUUID()}`,
        email: i % 2 ? email.toUpperCase() : email,
        password: NEW_PASSWORD,
      }),
    ),
  );
  assert.equal(tally(answers), "1 × 201, 19 × 409");
  const users = await client.listUsers();
  const twins = users.filter((user) => user.email.toLowerCase() === email);
  assert.equal(twins.length, 1, `${twins.length} users with the email`);
  return "1 × 201, 19 × 409, 1 user";
}

async function putTogether(client: Client): Promise<string> {
  for (let round = 0; round < 10; round += 1) {
    const { token } = await client.newUser();
    const { headers, body } = await client.get("/v1/users/me", token);
    const { username, email, role, is_active } = body;
    const ifMatch = { "If-Match": headers.get("ETag") ?? "" };
    const answers = await Promise.all(
      ["Ada", "Grace"].map((first_name) => {
        const user = { username, email, first_name, last_name: null, role, is_active };
        return client.put("/v1/users/me", user, token, ifMatch);
      }),
    );
    assert.equal(tally(answers), "1 × 200, 1 × 412");
    const winner = answers.find(({ status }) => status === 200);
    const { body: now } = await client.get("/v1/users/me", token);
    assert.equal(
      now.first_name,
      winner?.body.first_name,
      "the stored value is the one that was returned",
    );
  }
  return "1 × 200, 1 × 412 in each of 10 rounds";
}

async function resetTogether(client: Client, { waitForToken }: Mailbox): Promise<string> {
  const user = await client.newUser();
  const other = await client.logIn(user);
  const asked = await client.post("/v1/auth/password/forgot", { email: user.email });
  assert.equal(asked.status, 202, `the reset request returned ${asked.status}`);
  const token = await waitForToken(user.email, "reset-password");
  const body = { token, password: NEW_PASSWORD };
  const answers = await Promise.all(times(10, () => client.post("/v1/auth/password/reset", body)));
  assert.equal(tally(answers), "1 × 204, 9 × 400");
  for (const session of [user, other]) await assertDead(client, session);
  await client.logIn({ username: user.username, password: NEW_PASSWORD });
  return "1 × 204, 9 × 400, and both sessions have ended";
}

async function verifyTogether(client: Client, { waitForToken }: Mailbox): Promise<string> {
  const { email, token: accessToken } = await client.newUser();
  const token = await waitForToken(email, "verify-email");
  const answers = await Promise.all(
    times(10, () => client.post("/v1/auth/email/verify", { token })),
  );
  assert.equal(tally(answers), "1 × 200, 9 × 400");
  const { body } = await client.get("/v1/users/me", accessToken);
  assert.equal(String(body.email_verified), "true", "the address is verified");
  return "1 × 200, 9 × 400";
}

async function rivalAdministrators(client: Client): Promise<string> {
  const second = await client.newUser();
  const raised = await client.put(
    `/v1/users/${second.id}/role`,
    { role: "admin" },
    client.admin.token,
  );
  assert.equal(raised.status, 200, `promoting a second administrator returned ${raised.status}`);
  const rivals = [client.admin, second] as const;

  const demoted: Answer[] = [];
  for (let round = 0; round < 5; round += 1) {
    const { winner, refused, loserId } = await meet(client, rivals, (id, token) =>
      client.put(`/v1/users/${id}/role`, { role: "user" }, token),
    );
    demoted.push(refused);
    const again = await client.put(`/v1/users/${loserId}/role`, { role: "admin" }, winner.token);
    assert.equal(again.status, 200, "no administrator remains");
  }
  const { winner, refused } = await meet(client, rivals, (id, token) =>
    client.delete(`/v1/users/${id}`, token),
  );
  const list = await client.get("/v1/users", winner.token);
  assert.equal(list.status, 200, "no administrator remains");
  return `one demotion 200 and one refused (${tally(demoted)} in 5 rounds), one deletion 204 and one refused (${tally([refused])}); an administrator remains`;
}

/** Logs both in and lets them act on each other concurrently: one succeeds and the other is refused. */
async function meet(
  client: Client,
  rivals: readonly [Credentials, Credentials],
  act: (rivalId: string, token: string) => Promise<Answer>,
) {
  const [one, other] = [await client.logIn(rivals[0]), await client.logIn(rivals[1])];
  const answers = await Promise.all([act(other.id, one.token), act(one.id, other.token)]);
  const [first, second] = answers;
  const isFirstWinner = first.status < 300;
  const refused = isFirstWinner ? second : first;
  assert.ok(isFirstWinner !== second.status < 300, `both got the same outcome: ${tally(answers)}`);
  // 409 for the last administrator, or 401 if the caller's own session had ended before the request was handled.
  assert.ok([409, 401].includes(refused.status), `the refused request returned ${refused.status}`);
  const [winner, loser] = isFirstWinner ? [one, other] : [other, one];
  return { winner, refused, loserId: loser.id };
}
