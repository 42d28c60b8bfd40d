/** Shorter values would be found in other words. */
const MIN_LENGTH = 6;

/** The request headers whose values no log line may have. A client's `X-Request-Id` and trace are logged. */
const PRIVATE_HEADERS = [
  "Authorization",
  "CF-Connecting-IP",
  "Cookie",
  "Idempotency-Key",
  "User-Agent",
  "X-API-Key",
];

/** Members of requests and responses whose values are words of the API: log lines may have them. */
const PUBLIC_MEMBERS =
  /^(action|authenticatorAttachment|(\w+_)?type|code|detail|error|path|permissions|role|scopes?|status|title|transports)$/;

/** Members of lines that the service or its operator chooses, and the request id that a client chooses. */
const PUBLIC_FIELDS = /^(event|route|method|kind|day|provider|role|client_request_id)$/;

/** Ids and times, which log lines may have, too. */
const PUBLIC_VALUES =
  /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:.]+Z|[\d.]+)$/i;

/** Stack frames, which have the path of the folder that the tests run in. */
const FRAME = /^at .*:\d+:\d+\)?$/;

/** Bound values that are words of the service, such as actions and names of jobs, or routes. */
const WORDS = /^([a-z_.:-]+(-\d+)?|[A-Z]+ \/.*)$/;
const MIN_BOUND_LENGTH = 16;
const MAX_BOUND_LENGTH = 2000;

const LEVELS = ["debug", "log", "info", "warn", "error"] as const;

interface Watch {
  /** The texts in all lines, each with the first line that has it. */
  texts: Map<string, string>;
  /** What was found in requests, responses, emails and statements and must not be in a line. */
  values: Set<string>;
}

const watch: Watch = { texts: new Map(), values: new Set() };
const watched = new WeakSet<object>();

/** Begins to watch what a test file logs. `captureLogs` reports the lines that it captures itself. */
export function watchLogs(): void {
  watch.texts.clear();
  watch.values.clear();
  for (const level of LEVELS) {
    const write = console[level];
    if (watched.has(write)) continue;
    console[level] = (...args: unknown[]) => {
      noteLine(args);
      write.apply(console, args);
    };
    watched.add(console[level]);
  }
}

/** Notes the texts of a line. Ids and times are left out, so that what remains is short. */
export function noteLine(args: readonly unknown[]): void {
  const line = args.join(" ");
  for (const text of listTexts(line)) {
    const isPublic = PUBLIC_VALUES.test(text) || FRAME.test(text);
    if (!isPublic && !watch.texts.has(text)) watch.texts.set(text, line);
  }
}

/** Notes a value that no line of this test file may have, whatever is logged before or after. */
export function notePrivate(value: string): void {
  if (value.length < MIN_LENGTH || watch.values.has(value)) return;
  const plain = value.normalize("NFKC").trim().toLowerCase();
  for (const form of [value.toLowerCase(), plain, JSON.stringify(plain).slice(1, -1)]) {
    if (form.length >= MIN_LENGTH && !PUBLIC_VALUES.test(form)) watch.values.add(form);
  }
}

/** Notes what a request contains: its credentials, addresses, query and body. */
export function noteRequest(url: URL, headers: Headers, body: unknown): void {
  for (const name of PRIVATE_HEADERS) notePrivate((headers.get(name) ?? "").replace(/^\w+ +/, ""));
  for (const [name, value] of url.searchParams) if (!PUBLIC_MEMBERS.test(name)) notePrivate(value);
  for (const segment of url.pathname.split("/")) {
    if (!/^[a-z-]*$/.test(segment)) notePrivate(decode(segment));
  }
  noteBody(body);
}

/** Notes the texts in a JSON body, parsed or not, and all of any other text. */
export function noteBody(body: unknown): void {
  try {
    noteMembers(typeof body === "string" ? JSON.parse(body) : body);
  } catch {
    notePrivate(String(body));
  }
}

/** Notes what the worker binds in SQL: hashes, sealed values, addresses. */
export function noteBound(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value !== "string" || WORDS.test(value)) continue;
    if (value.length >= MIN_BOUND_LENGTH && value.length <= MAX_BOUND_LENGTH) notePrivate(value);
  }
}

/** Up to 20 private values that lines of this test file have, each with a line. */
export function findLeaks(): string[] {
  const texts = [...watch.texts.keys()].map((text) => text.toLowerCase());
  const all = texts.join("\n");
  return [...watch.values]
    .filter((value) => all.includes(value))
    .slice(0, 20)
    .map((value) => {
      const at = texts.findIndex((text) => text.includes(value));
      return `${value}: ${[...watch.texts.values()][at]}`;
    });
}

/** The texts in a line, without those of public fields. All of a line that is not JSON. */
function listTexts(line: string): string[] {
  const texts: string[] = [];
  try {
    JSON.parse(line, (name, value) => {
      if (PUBLIC_FIELDS.test(name)) return undefined;
      if (typeof value === "string") texts.push(value);
      return value;
    });
    return texts;
  } catch {
    return [line];
  }
}

function noteMembers(body: unknown): void {
  if (typeof body === "string") notePrivate(body);
  if (typeof body !== "object" || body === null) return;
  for (const [name, value] of Object.entries(body)) {
    if (!PUBLIC_MEMBERS.test(name)) noteMembers(value);
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
