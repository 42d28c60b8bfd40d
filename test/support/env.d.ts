declare namespace Cloudflare {
  interface Env {
    TEST_PEOPLE: string;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
}
