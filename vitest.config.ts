import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { newKeySettings } from "./scripts/lib/new-keys.ts";

export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
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
    setupFiles: ["test/support/setup.ts"],
    coverage: {
      provider: "istanbul" as const,
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "text", "html"],
      thresholds: { lines: 95, branches: 95 },
    },
  },
}));
