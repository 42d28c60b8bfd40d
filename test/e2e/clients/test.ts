import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { RosterClient, RosterClientOptions } from "../../../clients/typescript/src/index.ts";
import type { DevServer } from "../server.ts";

/** A worker, and the folder in which the packed packages are installed. */
interface Place {
  server: DevServer;
  folder: string;
}

export interface Scene extends Place {
  /** Logged in as the administrator. */
  admin: RosterClient;
}

/** Returns what was shown to be true. */
export type Test = (scene: Scene) => Promise<string>;

type RosterClientModule = typeof import("../../../clients/typescript/src/index.ts");
type RosterVerifyModule = typeof import("../../../clients/verify/src/index.ts");

export const importClient = ({ folder }: Place) =>
  importPacked(folder, "roster-client") as Promise<RosterClientModule>;

export const importVerify = ({ folder }: Pick<Place, "folder">) =>
  importPacked(folder, "roster-verify") as Promise<RosterVerifyModule>;

function importPacked(folder: string, name: string): Promise<unknown> {
  return import(pathToFileURL(`${folder}/node_modules/${name}/dist/index.js`).href);
}

/** A client that is logged in as the administrator, and steps up by itself. */
export async function createAdmin(
  scene: Place,
  options: Partial<RosterClientOptions> = {},
): Promise<RosterClient> {
  const { createRosterClient } = await importClient(scene);
  const { url: baseUrl, admin } = scene.server;
  const client = createRosterClient({
    baseUrl,
    onStepUp: async () => ({ method: "password", password: admin.password }),
    ...options,
  });
  assert.equal((await client.logIn(admin)).status, "logged_in");
  return client;
}

export const PASSWORD = "SecurePass123!";

/** Creates a user. Returns the username. */
export async function createUser({ admin }: Scene, { role = "user" } = {}): Promise<string> {
  const username = `user-${crypto.randomUUID()}`;
  const body = { username, email: `${username}@example.com`, password: PASSWORD, role };
  const { response } = await admin.POST("/v1/users", { body });
  assert.equal(response.status, 201);
  return username;
}

/** How many requests of an operation the worker has logged since `output`. */
export async function countLogged(
  { server }: Scene,
  { route, since }: { route: string; since: number },
): Promise<number> {
  const read = () => {
    const lines = server.readOutput().slice(since).split("\n");
    return lines.filter((line) => line.includes(`"route":"${route}"`)).length;
  };
  // Lines arrive a moment after the response.
  let count = read();
  for (let same = 0; same < 3; ) {
    await setTimeout(100);
    const next = read();
    same = next === count ? same + 1 : 0;
    count = next;
  }
  return count;
}
