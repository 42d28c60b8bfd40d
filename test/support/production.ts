import { jwkSet, newSigningJwk, octJwk } from "./tokens.ts";

/** Settings that turn the test's bindings into a valid production configuration. */
export const productionSettings = async () => ({
  ENVIRONMENT: "production",
  PASSWORD_ITERATIONS: "600000",
  SERVER_TIMING: "off",
  SIGNING_KEYS: jwkSet(await newSigningJwk("prod")),
  MAC_KEYS: jwkSet(octJwk("prod")),
  DATA_KEYS: jwkSet(octJwk("prod")),
  PEPPER_KEYS: jwkSet(octJwk("prod")),
});
