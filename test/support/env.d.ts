declare namespace Cloudflare {
  interface Env {
    TEST_PEOPLE: string;
    REPLICA: D1Database;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
}
