import type { MiddlewareHandler } from "hono";
import { createContext, getIsolate } from "../context.ts";
import { AppError } from "../errors.ts";
import { createLog } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";

const MAX_USER_AGENT_LENGTH = 512;

/** Parses the configuration once per isolate. If it is invalid, `requireConfig` refuses requests and /ready lists the problems. */
export const loadConfig: MiddlewareHandler<AppEnv> = async function loadConfig(c, next) {
  c.set("config", await getIsolate(c.env).config);
  return next();
};

/** Creates the context that services use. Throws `misconfigured` if the configuration is invalid. */
export const requireConfig: MiddlewareHandler<AppEnv> = async function requireConfig(c, next) {
  const result = c.get("config");
  if (!result.ok) throw new AppError("misconfigured");
  const { raw } = c.req;
  c.set(
    "ctx",
    createContext({
      bindings: c.env,
      config: result.config,
      meter: c.get("meter"),
      actor: { type: "anonymous" },
      client: {
        ip: c.req.header("CF-Connecting-IP") ?? null,
        userAgent: c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
        // Read lazily, because the runtime parses `cf` on each access.
        get country() {
          const country = raw.cf?.country;
          return typeof country === "string" ? country : null;
        },
      },
      requestId: c.get("requestId"),
      log: createLog(c.get("requestId")),
      waitUntil: (work) => c.executionCtx.waitUntil(work),
    }),
  );
  return next();
};
