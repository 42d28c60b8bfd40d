import { describe, expect, it } from "vitest";
import { adviseOnMail } from "../../scripts/lib/mail-advice.ts";

const COMPLETE = { MAIL_FROM: "no-reply@acme.example", APP_URL: "https://acme.example" };

/** The settings that the advice names at the start of a line. */
const settingsIn = (advice: string | undefined) =>
  advice?.match(/^ {2}[A-Z_]+/gm)?.map((line) => line.trim());

describe("npm run deploy", () => {
  it("names what is missing for email", () => {
    expect(settingsIn(adviseOnMail({ vars: {}, secrets: [] }))).toEqual(["MAIL_FROM", "APP_URL"]);
    const vars = { MAIL_LINK_URL: "https://app.acme.example" };
    expect(settingsIn(adviseOnMail({ vars, secrets: [] }))).toEqual(["MAIL_FROM"]);
  });

  it("names the key of an HTTP provider, unless it is a secret already", () => {
    const vars = { ...COMPLETE, MAIL_TRANSPORT: "http" };
    expect(settingsIn(adviseOnMail({ vars, secrets: [] }))).toEqual(["MAIL_API_KEY"]);
    expect(adviseOnMail({ vars, secrets: ["MAIL_API_KEY"] })).toBeUndefined();
  });

  it.each([
    ["email is configured", COMPLETE],
    ["email is off on purpose", { MAIL_TRANSPORT: "off" }],
    [
      "the environment is for development, which has a default sender",
      { ENVIRONMENT: "development" },
    ],
  ])("says nothing if %s", (_, vars) => {
    expect(adviseOnMail({ vars, secrets: [] })).toBeUndefined();
  });
});
