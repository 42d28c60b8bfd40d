import { codeOf } from "../e2e/totp.ts";
import { type Actor, remember } from "./actors.ts";
import { CHALLENGE, PROVIDER, REDIRECT_URI, VERIFIER } from "./fields.ts";
import type { Incoming } from "./http.ts";
import type { Target } from "./plans.ts";
import { learn, type World } from "./world.ts";

/** Does for an actor what an operation needs to have happened before. Does nothing if the actor may not. */
type Step = (world: World, actor: Actor) => Promise<void>;

const addKey: Step = (world, actor) =>
  call(world, actor, "POST /v1/api-keys", { name: "Key", scopes: ["me:read"] });

const addTotp: Step = (world, actor) => call(world, actor, "POST /v1/auth/factors/totp", {});

const confirmTotp: Step = async (world, actor) => {
  await addTotp(world, actor);
  const [id] = actor.pools.get("totp") ?? [];
  const [secret] = actor.pools.get("totp-secret") ?? [];
  if (!id || !secret) return;
  await call(world, actor, "POST /v1/auth/factors/totp/confirm", { id, code: codeOf(secret) });
  remember(actor, "factors", id);
};

const logInHalf: Step = async (world, actor) => {
  await confirmTotp(world, actor);
  await sendPassword(world, actor);
};

/** Has the authenticator create a passkey, which the service does not know yet. */
const createPasskey: Step = async (world, actor) => {
  const offered = await call(world, actor, "POST /v1/auth/factors/passkeys/options");
  if (!offered?.public_key) return;
  const options = { ...offered.public_key, excludeCredentials: [] };
  const credential = await actor.authenticator.register(options);
  remember(actor, "new-credential", JSON.stringify(credential));
};

const addPasskey: Step = async (world, actor) => {
  await createPasskey(world, actor);
  const [created] = actor.pools.get("new-credential") ?? [];
  if (!created) return;
  const passkey = { name: "Passkey", credential: JSON.parse(created) };
  await call(world, actor, "POST /v1/auth/factors/passkeys", passkey);
};

const assertLogin: Step = async (world, actor) => {
  await addPasskey(world, actor);
  await assertPasskey(world, actor, {
    what: "POST /v1/auth/passkey/options",
    pool: "login-credential",
  });
};

const assertMfa: Step = async (world, actor) => {
  await logInHalfByPasskey(world, actor);
  const [mfa_token] = actor.pools.get("mfa") ?? [];
  await assertPasskey(world, actor, {
    what: "POST /v1/auth/mfa/challenge",
    body: { mfa_token, method: "passkey" },
    pool: "mfa-credential",
  });
};

const assertStepUp: Step = async (world, actor) => {
  await addPasskey(world, actor);
  await assertPasskey(world, actor, {
    what: "POST /v1/auth/step-up/challenge",
    body: { method: "passkey" },
    pool: "step-up-credential",
  });
};

const logInHalfByPasskey: Step = async (world, actor) => {
  await addPasskey(world, actor);
  await sendPassword(world, actor);
};

const removePassword: Step = async (world, actor) => {
  await addPasskey(world, actor);
  await call(world, actor, "DELETE /v1/auth/password");
};

/** Does one of two things in turn. */
const either =
  (one: Step, other: Step): Step =>
  (world, actor) =>
    (actor.sent / INTERVAL) % 2 === 0 ? one(world, actor) : other(world, actor);

const startProviderLogin: Step = (world, actor) =>
  call(world, actor, `POST /v1/auth/providers/${PROVIDER}/start`, {
    redirect_uri: REDIRECT_URI,
    code_challenge: CHALLENGE,
    intent: actor.sent % 2 === 0 ? "login" : "link",
  });

const finishProviderLogin: Step = async (world, actor) => {
  await startProviderLogin(world, actor);
  const [state = ""] = actor.pools.get("provider-state") ?? [];
  const [code = ""] = actor.pools.get("provider-code") ?? [];
  const query = new URLSearchParams({ state, code });
  await call(world, actor, `GET /v1/auth/providers/${PROVIDER}/callback?${query}`);
};

const linkIdentity: Step = async (world, actor) => {
  await finishProviderLogin(world, actor);
  const [code] = actor.pools.get("exchange") ?? [];
  const body = { code, code_verifier: VERIFIER };
  await call(world, actor, "POST /v1/auth/exchange", body);
  await call(world, actor, "GET /v1/auth/identities");
};

const requestEmailLogin: Step = (world, actor) =>
  call(world, actor, "POST /v1/auth/email-login", { email: actor.account.email });

const forgetPassword: Step = (world, actor) =>
  call(world, actor, "POST /v1/auth/password/forgot", { email: actor.account.email });

const logIn: Step = async (world, actor) => {
  await sendPassword(world, actor);
  await call(world, actor, "GET /v1/auth/sessions");
};

const createRole: Step = (world, actor) =>
  call(world, actor, "POST /v1/roles", { name: newName(), permissions: [] });

const createPermission: Step = (world, actor) =>
  call(world, actor, "POST /v1/permissions", { name: `fz:${newName()}` });

const createUser: Step = (world, actor) => {
  const name = `fz-${newName()}`;
  return call(world, actor, "POST /v1/users", { username: name, email: `${name}@example.com` });
};

const deleteUser: Step = async (world, actor) => {
  await createUser(world, actor);
  const [id] = actor.pools.get("users") ?? [];
  if (id && id !== actor.account.id) await call(world, actor, `DELETE /v1/users/${id}`);
};

/** By operation: what makes it likely that a valid request succeeds. */
const STEPS: Readonly<Record<string, Step>> = {
  getApiKey: addKey,
  updateApiKey: addKey,
  revokeApiKey: addKey,
  rotateApiKey: addKey,
  confirmTotp: addTotp,
  renameFactor: confirmTotp,
  removeFactor: confirmTotp,
  generateRecoveryCodes: confirmTotp,
  stepUp: either(confirmTotp, assertStepUp),
  resetFactors: confirmTotp,
  verifyMfa: either(logInHalf, assertMfa),
  challengeMfa: logInHalfByPasskey,
  challengeStepUp: addPasskey,
  addPasskey: createPasskey,
  logInByPasskey: assertLogin,
  removePassword: addPasskey,
  setPassword: removePassword,
  finishProviderLogin: startProviderLogin,
  finishProviderLoginByForm: startProviderLogin,
  exchangeCode: finishProviderLogin,
  unlinkIdentity: linkIdentity,
  logInByEmail: requestEmailLogin,
  resetPassword: forgetPassword,
  endOwnSession: logIn,
  endUserSession: logIn,
  replaceRole: createRole,
  deleteRole: createRole,
  deletePermission: createPermission,
  restoreUser: deleteUser,
  assignRole: createUser,
  expirePassword: createUser,
  unlockUser: createUser,
  sendPasswordReset: createUser,
  sendEmailVerification: createUser,
  markEmailVerified: createUser,
  eraseUser: createUser,
  changeUsers: createUser,
};

/** How many requests of an actor one preparation is for. */
const INTERVAL = 3;

/** Prepares every third request of an actor to an operation that needs it. */
export async function prepareActor(world: World, actor: Actor, { id }: Target): Promise<void> {
  const step = STEPS[id];
  if (step && actor.sent % INTERVAL === 0) await step(world, actor);
}

const newName = () => crypto.randomUUID().replaceAll("-", "").replace(/^./, "r").slice(0, 12);

/** Sends a request as the person, and returns the body of its response, if it has one. */
async function call(world: World, actor: Actor, what: string, body?: object): Promise<any> {
  const [method = "", path = ""] = what.split(" ");
  const got: Incoming = await world.send({
    method,
    path,
    headers: { ...(body && { "Content-Type": "application/json" }), ...actor.session },
    body: body && JSON.stringify(body),
  });
  const bare = path.split("?")[0] ?? "";
  return learn(world, actor, { id: OPERATIONS[what] ?? "", path: bare }, bare, got);
}

async function sendPassword(world: World, actor: Actor): Promise<void> {
  const { username, password } = actor.account;
  await call(world, actor, "POST /v1/auth/login", { username, password });
}

/** Has the authenticator sign what a response offers. */
async function assertPasskey(
  world: World,
  actor: Actor,
  { what, body, pool }: { what: string; body?: object; pool: string },
): Promise<void> {
  const offered = await call(world, actor, what, body);
  if (!offered?.public_key) return;
  // Without one of the passkeys that are asked for, the authenticator refuses.
  const signed = await actor.authenticator.authenticate(offered.public_key).catch(() => undefined);
  if (signed) remember(actor, pool, JSON.stringify(signed));
}

/** The operations whose responses `learn` treats in a way of their own. */
const OPERATIONS: Readonly<Record<string, string>> = {
  "POST /v1/auth/factors/totp": "addTotp",
  [`POST /v1/auth/providers/${PROVIDER}/start`]: "startProviderLogin",
};
