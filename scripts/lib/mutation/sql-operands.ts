/** A part of a text, from `start` to `end`. */
interface Span {
  start: number;
  end: number;
}

interface Token extends Span {
  text: string;
  depth: number;
}

/** What ends an operand of AND and OR, other than AND and OR. */
const TOKENS =
  /[()]|\b(?:AND|OR|WHERE|ON|ORDER BY|GROUP BY|LIMIT|OFFSET|RETURNING|JOIN|CASE|WHEN|THEN|ELSE|END|SELECT|FROM|SET)\b/g;

/**
 * The operands of AND and OR in a SQL text, each with the AND or OR that goes with it, so that the text remains valid without them.
 * Parameters must be masked.
 */
export function findSqlOperands(sql: string): Span[] {
  const tokens = tokenize(sql);
  const spans: Span[] = [];
  for (const [index, token] of tokens.entries()) {
    if (!isJunction(token)) continue;
    // An operand ends at the next keyword of its level, and where its level ends.
    const isBoundary = ({ depth }: Token) => depth === token.depth;
    const next = tokens.slice(index + 1).find(isBoundary);
    const previous = tokens.slice(0, index).findLast(isBoundary);
    const [start, end] = [previous?.end ?? 1, next?.start ?? sql.length - 1];
    spans.push({ start: token.start, end });
    if (!previous || !isJunction(previous)) spans.push({ start, end: token.end });
  }
  return spans.filter(({ start, end }) => !/^\s*(AND|OR)?\s*$/.test(sql.slice(start, end)));
}

function isJunction({ text }: Token): boolean {
  return text === "AND" || text === "OR";
}

function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const match of sql.matchAll(TOKENS)) {
    const [text] = match;
    // A parenthesis belongs to the level that it encloses.
    if (text === "(") depth += 1;
    tokens.push({ text, depth, start: match.index, end: match.index + text.length });
    if (text === ")") depth -= 1;
  }
  return tokens;
}
