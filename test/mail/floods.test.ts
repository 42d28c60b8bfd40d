import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { newAccount } from "../support/fixtures.ts";
import { createMailbox, createMailUser } from "../support/mail.ts";

describe("a mailbox", () => {
  it("receives at most five mails of a kind per hour, however many accounts are created and deleted with its address", async () => {
    const box = createMailbox();
    const email = `victim.${newAccount().email}`;
    for (let round = 0; round < 7; round += 1) {
      const spelled = round % 2 ? email.toUpperCase() : email;
      const user = await createMailUser(box, { email: spelled });
      const { token } = user;
      await send("/v1/users/me", { method: "DELETE", token, bindings: box.bindings });
    }
    const mails = box.sent.filter(({ to }) => to.toLowerCase() === email);
    expect(mails).toHaveLength(5);
  });

  it("receives the lock-out mail at most once per minute", async () => {
    const clock = stopClock();
    const box = createMailbox({ LOGIN_ATTEMPT_LIMIT: "2", LOGIN_ATTEMPT_WINDOW_SECONDS: "60" });
    const { username, email } = await createMailUser(box);
    const fail = () =>
      send("/v1/auth/login", { body: { username, password: "wrong" }, bindings: box.bindings });
    for (let second = 0; second < 120; second += 10) {
      await fail();
      clock.at(second * 1000);
    }
    const told = box.subjectsTo(email).filter((subject) => subject.includes("locked"));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(2);
  });
});
