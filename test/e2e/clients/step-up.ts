import assert from "node:assert/strict";
import type { OnStepUp, RosterClient } from "../../../clients/typescript/src/index.ts";
import { times } from "../client.ts";
import { codeOf } from "../totp.ts";
import { createUser, importClient, PASSWORD, type Scene } from "./test.ts";

const BODY = { name: "Key", scopes: ["me:read"] };
const CODE = "recovery_code";

interface Person {
  username: string;
  /** The recovery codes that are left. */
  codes: string[];
  /** A session from before the second factor, which has to step up. */
  client: RosterClient;
}

/** A request that needs a recent authentication is repeated after it, and logins with a second factor go on. */
export async function testStepUp(scene: Scene): Promise<string> {
  await askOnce(scene);
  await decline(scene);
  await proveTwo(scene);
  return "five calls ask once, a refused proof is an error, and methods are asked for one by one";
}

async function createPerson(
  scene: Scene,
  onStepUp: (codes: string[]) => OnStepUp,
): Promise<Person> {
  const { createRosterClient, ok } = await importClient(scene);
  const username = await createUser(scene);
  const codes: string[] = [];
  const [client, other] = [onStepUp(codes), undefined].map((hook) =>
    createRosterClient({ baseUrl: scene.server.url, ...(hook && { onStepUp: hook }) }),
  );
  assert.ok(client && other);
  for (const session of [client, other]) await session.logIn({ username, password: PASSWORD });
  const { id, secret } = await ok(other.POST("/v1/auth/factors/totp", { body: {} }));
  const body = { id, code: codeOf(secret) };
  const confirmed = await ok(other.POST("/v1/auth/factors/totp/confirm", { body }));
  codes.push(...(confirmed.recovery_codes ?? []));
  return { username, codes, client };
}

async function askOnce(scene: Scene): Promise<void> {
  let asked = 0;
  const { client } = await createPerson(scene, (codes) => async ({ acr, maxAgeSeconds }) => {
    asked++;
    assert.deepEqual([acr, maxAgeSeconds], ["aal2", 600]);
    return { method: CODE, code: codes.pop() ?? "" };
  });
  const answers = await Promise.all(times(5, () => client.POST("/v1/api-keys", { body: BODY })));
  assert.deepEqual(new Set(answers.map(({ response }) => response.status)), new Set([201]));
  assert.equal(asked, 1);
}

async function decline(scene: Scene): Promise<void> {
  const { isProblem, ok } = await importClient(scene);
  const proofs = [undefined, { method: "password", password: "wrong" } as const];
  const { client } = await createPerson(scene, () => async () => proofs.shift());
  const create = () => ok(client.POST("/v1/api-keys", { body: BODY }));
  await assert.rejects(create, (error) => isProblem(error, "insufficient_user_authentication"));
  await assert.rejects(create, (error) => isProblem(error, "invalid_credentials"));
  assert.ok(client.session.state);
}

/** The password alone is not enough. Afterwards the person logs in with the second factor, too. */
async function proveTwo(scene: Scene): Promise<void> {
  const { createRosterClient, ok } = await importClient(scene);
  const asked: string[][] = [];
  const { client, codes, username } = await createPerson(
    scene,
    (left) =>
      async ({ done, prove }) => {
        asked.push([...done]);
        await prove(
          done.has("password")
            ? { method: CODE, code: left.pop() ?? "" }
            : { method: "password", password: PASSWORD },
        );
        return undefined;
      },
  );
  await ok(client.POST("/v1/api-keys", { body: BODY }));
  assert.deepEqual(asked, [[], ["password"]]);
  const again = createRosterClient({ baseUrl: scene.server.url });
  const login = await again.logIn({ username, password: PASSWORD });
  assert.ok(login.status === "mfa_required");
  assert.deepEqual(login.methods, ["totp", CODE]);
  const proof = { mfa_token: login.mfaToken, method: CODE, code: codes.pop() ?? "" } as const;
  assert.equal((await again.logInWithSecondFactor(proof)).status, "logged_in");
  assert.equal(again.session.state?.userId, client.session.state?.userId);
}
