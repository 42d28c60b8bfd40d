import { describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const INDEX = {
  name: "Roster",
  version,
  docs: "/docs",
  openapi: "/openapi.json",
  health: "/health",
};

const get = (accept?: string, bindings?: Cloudflare.Env) =>
  send("/", {
    ...(accept !== undefined && { headers: { Accept: accept } }),
    ...(bindings && { bindings }),
  });

describe("GET /", () => {
  it.each([BROWSER, "text/html", "TEXT/HTML;charset=utf-8", "text/html, application/json;q=0.5"])(
    "redirects a browser to /docs: Accept: %s",
    async (accept) => {
      const answer = await get(accept);
      expect([answer.status, answer.headers.get("Location")]).toEqual([302, "/docs"]);
      expect(answer.headers.get("Vary")).toContain("Accept");
    },
  );

  it.each([undefined, "*/*", "application/json", "application/json, text/html;q=0.5", "image/png"])(
    "tells other clients where to go on: Accept: %s",
    async (accept) => {
      const answer = await get(accept);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(INDEX);
      expect(answer.headers.get("Vary")).toContain("Accept");
    },
  );

  it("names paths that work", async () => {
    const { docs, openapi, health } = (await get()).body;
    for (const path of [docs, openapi, health]) expect((await send(path)).status).toBe(200);
  });

  it("has the name of the product, and works while a setting is wrong", async () => {
    expect((await get("*/*", createIsolate({ APP_NAME: "Acme" }))).body.name).toBe("Acme");
    const misconfigured = createIsolate({ APP_NAME: "", MAC_KEYS: undefined });
    expect((await get("*/*", misconfigured)).body).toEqual(INDEX);
    expect((await get(BROWSER, misconfigured)).status).toBe(302);
  });

  it("is the only method at this path", async () => {
    const answer = await send("/", { method: "POST", body: {} });
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.headers.get("Allow")).toContain("GET");
  });
});
