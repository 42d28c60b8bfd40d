// Stands in for wrangler in a copy of the project: records each call, keeps secrets in a file, and a database in SQLite.
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const folder = process.env.FAKE_FOLDER;
const args = process.argv.slice(2);
const valueAfter = (flag) => args[args.indexOf(flag) + 1];
const secretsFile = join(folder, "secrets.json");
const databaseFile = join(folder, "database.sqlite");

appendFileSync(join(folder, "calls.ndjson"), `${JSON.stringify(args)}\n`);
const command = args.filter((arg) => !arg.startsWith("-")).join(" ");
if (process.env.FAKE_FAILURE && new RegExp(process.env.FAKE_FAILURE).test(command)) {
  console.error("the fake fails");
  process.exit(1);
}

const commands = {
  "secret list": () => {
    if (existsSync(secretsFile)) return console.log(readFileSync(secretsFile, "utf8"));
    console.error('Worker "roster-staging" not found.');
    process.exit(1);
  },
  "d1 time-travel": () => console.log(JSON.stringify({ bookmark: "0000-bookmark" })),
  "d1 migrations": () => migrate(),
  "d1 execute": () => execute(),
  deploy: () => deploy(),
};
const name = Object.keys(commands).find((key) => `${args.join(" ")} `.startsWith(`${key} `));
commands[name]();

function deploy() {
  if (args.includes("--dry-run")) return console.log("Total Upload: 100.00 KiB / gzip: 20.00 KiB");
  if (!args.includes("--secrets-file")) return;
  const text = readFileSync(valueAfter("--secrets-file"), "utf8");
  const names = [...text.matchAll(/^([A-Z_]+)=/gm)].map(([, key]) => ({
    name: key,
    type: "secret_text",
  }));
  writeFileSync(secretsFile, JSON.stringify(names));
}

function migrate() {
  if (existsSync(databaseFile)) return;
  const database = new DatabaseSync(databaseFile);
  const files = readdirSync("migrations").filter((file) => file.endsWith(".sql"));
  for (const file of files.sort()) database.exec(readFileSync(join("migrations", file), "utf8"));
}

function execute() {
  const database = new DatabaseSync(databaseFile);
  if (args.includes("--file")) {
    database.exec(readFileSync(valueAfter("--file"), "utf8"));
    return console.log("[]");
  }
  console.log(JSON.stringify([{ results: database.prepare(valueAfter("--command")).all() }]));
}
