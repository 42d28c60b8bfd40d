import { start } from "../shared/app.tsx";
import { Console } from "./console.tsx";

await start(Console);
