import { account } from "./account.ts";
import { activity } from "./activity.ts";
import { apiKeys } from "./api-keys.ts";
import { common } from "./common.ts";
import { console_ } from "./console.ts";
import { login } from "./login.ts";
import { problems } from "./problems.ts";

/** The texts in English, which every other language has, too. */
export const texts = { common, problems, login, console: console_, account, apiKeys, activity };
