import type { Texts } from "../texts.ts";
import { account } from "./account.ts";
import { audit } from "./audit.ts";
import { common } from "./common.ts";
import { console_ } from "./console.ts";
import { login } from "./login.ts";
import { operations } from "./operations.ts";
import { problems } from "./problems.ts";
import { roles } from "./roles.ts";

/** The texts in German. */
export const texts: Texts = {
  common,
  problems,
  login,
  console: console_,
  account,
  roles,
  audit,
  operations,
};
