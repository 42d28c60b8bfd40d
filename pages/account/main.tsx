import { start } from "../shared/app.tsx";
import { Account } from "./account.tsx";

await start(Account);
