// Races of requests for the tokens of one session.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { type Answer, type Client, type Credentials, tally, times } from "./client.ts";

/** The password that users change theirs to. */
export const NEW_PASSWORD = "another pass phrase";

const ROUNDS = 10;
const STEP_MS = 4;
const REFRESHERS = 4;

export async function refreshTogether(client: Client): Promise<string> {
  for (let round = 0; round < 5; round += 1) {
    const { refreshToken } = await client.newUser();
    const answers = await Promise.all(times(20, () => client.refresh(refreshToken)));
    assert.equal(tally(answers), "20 × 200");
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    assert.equal(successors.size, 1, `${successors.size} successors`);
    const [successor] = successors;
    assert.equal((await client.refresh(String(successor))).status, 200, "the successor works");
  }
  return "20 × 200 and 1 working successor in each of 5 rounds";
}

/**
 * Refreshes one token again and again while its session is ended, a little later in each round, and once more.
 * Fails if no refresh was in time or none came too late, because then the two never met.
 */
export async function refreshAgainst(
  client: Client,
  prepare: (user: Credentials) => Promise<() => Promise<Answer>>,
): Promise<string> {
  const seen: Answer[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const user = await client.newUser();
    const end = await prepare(user);
    const ending = setTimeout(round * STEP_MS).then(end);
    const answers = await refreshUntil(client, user, ending);
    const ended = await ending;
    assert.ok([200, 204].includes(ended.status), `ending the session returned ${ended.status}`);
    seen.push(...answers);
    await assertDead(client, user);
    for (const { status } of answers) {
      assert.ok([200, 401].includes(status), `a refresh returned ${status}`);
    }
    // Each refresh has an access token of its own and the same refresh token.
    const issued = answers.filter(({ status }) => status === 200);
    for (const { body } of [...issued.slice(0, 2), ...issued.slice(-5)]) {
      const left = { token: body.access_token ?? "", refreshToken: body.refresh_token ?? "" };
      await assertDead(client, left);
    }
  }
  const statuses = new Set(seen.map(({ status }) => status));
  assert.deepEqual([...statuses].sort(), [200, 401], "the refreshes did not meet the end");
  return `${tally(seen)} of ${seen.length} refreshes in ${ROUNDS} rounds, and no live token afterwards`;
}

// A few clients, each with one request at a time: the proxy of `wrangler dev` drops connections under more.
async function refreshUntil(
  client: Client,
  { refreshToken }: Credentials,
  ending: Promise<unknown>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let hasEnded = false;
  const stop = () => {
    hasEnded = true;
  };
  ending.then(stop, stop);
  const repeat = async () => {
    while (!hasEnded) answers.push(await client.refresh(refreshToken));
    answers.push(await client.refresh(refreshToken));
  };
  await Promise.all(times(REFRESHERS, repeat));
  return answers;
}

export async function logInElsewhere(client: Client, { username, password }: Credentials) {
  const { token } = await client.logIn({ username, password });
  const body = { current_password: password, new_password: NEW_PASSWORD };
  return () => client.post("/v1/auth/password/change", body, token);
}

export async function assertDead(
  client: Client,
  tokens: Pick<Credentials, "token" | "refreshToken">,
): Promise<void> {
  assert.equal((await client.refresh(tokens.refreshToken)).status, 401, "a live refresh token");
  const write = await client.patch("/v1/users/me", { first_name: "Mallory" }, tokens.token);
  assert.equal(write.status, 401, "a live access token");
}
