/** A block of a test file that has a name, as its first line starts: `describe("…"`, `it.each(…)("…"`. */
const BLOCK = /^( *)(describe|it|test)(\.(?:each|skip|todo|only))?\(/gm;
const QUOTES = ['"', "'", "`"];

/**
 * The full names of the tests in a source, those of the enclosing `describe` blocks first, joined by " > ". The names of repeated tests
 * are their patterns. Blocks are told apart by their indentation, which the formatter guarantees. Tests that are skipped, or in a block
 * that is, have no name.
 */
export function listTestNames(source: string): string[] {
  const names: string[] = [];
  let enclosing: { indent: number; name: string; isSkipped: boolean }[] = [];
  for (const { 0: start, 1: spaces = "", 2: kind, 3: modifier, index } of source.matchAll(BLOCK)) {
    const indent = spaces.length;
    enclosing = enclosing.filter((block) => block.indent < indent);
    const name = readName(source, index + start.length, modifier === ".each");
    if (name === undefined) continue;
    const isSkipped = modifier === ".skip" || modifier === ".todo";
    if (kind === "describe") enclosing.push({ indent, name, isSkipped });
    else if (!isSkipped && !enclosing.some((block) => block.isSkipped))
      names.push([...enclosing.map((block) => block.name), name].join(" > "));
  }
  return names;
}

// The text in the first argument; that of the second call if there is a table before it.
function readName(source: string, start: number, hasTable: boolean): string | undefined {
  let position = start;
  if (hasTable) {
    position = skipArguments(source, start);
    if (source[position] !== "(") return undefined;
    position += 1;
  }
  position += /^\s*/.exec(source.slice(position))?.[0].length ?? 0;
  const quote = source[position] ?? "";
  if (!QUOTES.includes(quote)) return undefined;
  const end = findQuote(source, position);
  return source.slice(position + 1, end).replaceAll(`\\${quote}`, quote);
}

/** The position behind the parenthesis that closes the arguments. */
function skipArguments(source: string, start: number): number {
  let depth = 1;
  for (let position = start; position < source.length; position += 1) {
    const character = source[position] ?? "";
    if (QUOTES.includes(character)) position = findQuote(source, position);
    else if (character === "/" && isRegExp(source, position))
      position = skipRegExp(source, position);
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    if (depth === 0) return position + 1;
  }
  return source.length;
}

function findQuote(source: string, start: number): number {
  let position = start + 1;
  while (position < source.length && source[position] !== source[start]) {
    position += source[position] === "\\" ? 2 : 1;
  }
  return position;
}

// A slash begins a regular expression where a value can begin.
function isRegExp(source: string, position: number): boolean {
  return /[[(,=:]\s*$/.test(source.slice(Math.max(0, position - 100), position));
}

function skipRegExp(source: string, start: number): number {
  const length = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*\//.exec(source.slice(start))?.[0]
    .length;
  return start + (length ?? 1) - 1;
}
