import {
  type Actor,
  type ActorKind,
  type CreatePrivileged,
  createActor,
  get,
  post,
} from "./actors.ts";
import type { Send } from "./http.ts";

/** Marks whatever of a victim those with users:read may see. */
const PERSONAL = "qvxperson";
/** Marks whatever of a victim only administrators may see. */
const PRIVATE = "qvxprivate";
/** Where the victims have logged in from. */
const VICTIM_IP = "198.51.100.77";

/** What the responses to some actors must not contain. */
export const CANARIES = {
  personal: [PERSONAL, VICTIM_IP],
  private: [PRIVATE],
} as const;

/** Paths at which a victim sees what is theirs. */
const OWN_PATHS = [
  "/v1/users/me",
  "/v1/users/me/profile",
  "/v1/auth/sessions?limit=100",
  "/v1/auth/factors?limit=100",
  "/v1/auth/identities?limit=100",
  "/v1/auth/recovery-codes",
  "/v1/api-keys?limit=100&revoked=all",
];

/** Someone whose data nobody else may see or change. */
export interface Victim {
  id: string;
  username: string;
  email: string;
  role: string;
  /** Ids of what they have, by collection. */
  ids: Record<string, string[]>;
  /** What their passkey has signed and the service has accepted, by pool: nobody can use it again. */
  credentials: Record<string, string>;
  /** What they see of their account. */
  read: () => Promise<string>;
  /** Tokens and secrets that no response may contain. */
  secrets: string[];
}

/** Creates a victim with texts in every field that tell whose they are. */
export async function createVictim(
  send: Send,
  createPrivileged: CreatePrivileged,
  role: ActorKind,
): Promise<Victim> {
  const sendFrom: Send = (outgoing) =>
    send({
      ...outgoing,
      headers: {
        "CF-Connecting-IP": VICTIM_IP,
        "User-Agent": `${PERSONAL}-agent`,
        ...outgoing.headers,
      },
    });
  const actor = await createActor(sendFrom, createPrivileged, role, {
    prefix: PERSONAL,
    password: crypto.randomUUID(),
  });
  const { headers } = actor;
  const names = { first_name: `${PERSONAL} first`, last_name: `${PERSONAL} last` };
  await post(sendFrom, "/v1/users/me", names, headers, "PATCH");
  const profile = {
    display_name: `${PERSONAL} display`,
    bio: `${PERSONAL} bio`,
    avatar_url: `https://images.example/${PERSONAL}.png`,
    phone: "+41446681800",
    metadata: { note: `${PERSONAL} metadata` },
  };
  await post(sendFrom, "/v1/users/me/profile", profile, headers, "PUT");
  const key = await post(
    sendFrom,
    "/v1/api-keys",
    { name: `${PRIVATE} key`, scopes: ["me:read"] },
    headers,
  );
  const totp = await post(
    sendFrom,
    "/v1/auth/factors/totp",
    { name: `${PRIVATE} factor` },
    headers,
  );
  const credentials = await usePasskey(sendFrom, actor);
  const sessions = await get(sendFrom, "/v1/auth/sessions", headers);
  return {
    ...actor.account,
    ids: {
      users: [actor.account.id],
      sessions: sessions.data.map(({ id }: { id: string }) => id),
      "api-keys": [key.id],
      factors: [totp.id],
      totp: [totp.id],
    },
    credentials,
    read: async () => {
      const parts = await Promise.all(OWN_PATHS.map((path) => get(sendFrom, path, headers)));
      return parts.map((part) => JSON.stringify(part)).join("\n");
    },
    secrets: [key.key, totp.secret, ...[...actor.pools.values()].flat()],
  };
}

/** Adds a passkey to a victim, and logs in with it. */
async function usePasskey(
  send: Send,
  { authenticator, headers }: Actor,
): Promise<Record<string, string>> {
  const offered = await post(send, "/v1/auth/factors/passkeys/options", {}, headers);
  const added = await authenticator.register(offered.public_key);
  const passkey = { name: `${PRIVATE} passkey`, credential: added };
  await post(send, "/v1/auth/factors/passkeys", passkey, headers);
  const asked = await post(send, "/v1/auth/passkey/options", {}, {});
  const used = await authenticator.authenticate(asked.public_key);
  await post(send, "/v1/auth/passkey/login", { credential: used }, {});
  const signed = JSON.stringify(used);
  return {
    "new-credential": JSON.stringify(added),
    "login-credential": signed,
    "mfa-credential": signed,
    "step-up-credential": signed,
  };
}
