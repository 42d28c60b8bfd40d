import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { newKeySettings } from "./scripts/lib/new-keys.ts";
import { StatusReporter } from "./scripts/lib/status-reporter.ts";

/** Bundled once for all tests, so that the runtime does not fetch hundreds of small modules. */
const DEPENDENCIES = [
  "@cfworker/json-schema",
  "@hono/swagger-ui",
  "@hono/zod-openapi",
  "@levischuck/tiny-cbor",
  "@noble/hashes/argon2.js",
  "@noble/hashes/pbkdf2.js",
  "@noble/hashes/scrypt.js",
  "@noble/hashes/sha2.js",
  "@simplewebauthn/server",
  "bcryptjs",
  "drizzle-orm",
  "drizzle-orm/d1",
  "drizzle-orm/sqlite-core",
  "hono",
  "hono/cors",
  "hono/html",
  "hono/http-exception",
  "hono/method-not-allowed",
  "hono/route",
  "hono/secure-headers",
  "jose",
  "oauth4webapi",
  "standardwebhooks",
  "uuid",
  "zod",
];

export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        // The lagging copy of the database in test/support/replica.ts.
        d1Databases: { REPLICA: "replica" },
        bindings: {
          // How many users test/lists/scale.test.ts inserts; `npm run test:lists` inserts more.
          TEST_PEOPLE: process.env.TEST_PEOPLE ?? "3000",
          TEST_MIGRATIONS: await readD1Migrations("migrations"),
          ENVIRONMENT: "development",
          APP_URL: "https://roster.test",
          SERVER_TIMING: "on",
          // Tests of passwords use the real figure; all others need not wait for it.
          PASSWORD_ITERATIONS: "1000",
          // Tests of rate limits set their own; all others come from one address.
          RATE_LIMIT_AUTH: "0",
          RATE_LIMIT_REFRESH: "0",
          RATE_LIMIT_READ: "0",
          RATE_LIMIT_WRITE: "0",
          ...(await newKeySettings("dev-")),
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**"],
    silent: "passed-only" as const,
    // One runtime per worker for all of its files: loading the application takes longer than most files do.
    // test/support/setup.ts empties the stores and forgets the isolate's memory before each file.
    isolate: false,
    maxWorkers: 2,
    // A busy machine is slow, and no test is about time.
    testTimeout: 30_000,
    deps: { optimizer: { ssr: { enabled: true, include: DEPENDENCIES } } },
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", new StatusReporter()],
    coverage: {
      provider: "istanbul" as const,
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "text"],
      thresholds: { lines: 95, branches: 95 },
    },
  },
}));
