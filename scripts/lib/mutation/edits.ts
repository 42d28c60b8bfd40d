import { findSqlOperands } from "./sql-operands.ts";

/** How a mutant weakens the code. */
export type Operator =
  | "drop-condition"
  | "drop-sql-condition"
  | "skip-guard"
  | "skip-call"
  | "drop-operand"
  | "negate"
  | "shift-bound"
  | "fix-choice"
  | "drop-effect"
  | "loosen-quantifier"
  | "skip-filter"
  | "flip-flag"
  | "raise-limit";

/** What each operator does, for the report. */
export const OPERATORS: Readonly<Record<Operator, string>> = {
  "drop-condition": "leaves a condition out of and(…) or or(…)",
  "drop-sql-condition": "leaves a condition out of a SQL text",
  "skip-guard": "never takes the branch that refuses or returns early",
  "skip-call": "leaves out a call that checks, ends, deletes or counts something",
  "drop-operand": "leaves out one side of && or ||",
  negate: "swaps === and !==",
  "shift-bound": "swaps < and <=, > and >=",
  "fix-choice": "always takes one side of a conditional expression",
  "drop-effect": "leaves a statement out of a transaction",
  "loosen-quantifier": "swaps some and every",
  "skip-filter": "leaves out a filter",
  "flip-flag": "flips a boolean of an object",
  "raise-limit": "raises a limit by one",
};

/** A change of a source: the text from `start` to `end` is replaced. */
export interface Edit {
  operator: Operator;
  start: number;
  end: number;
  replacement: string;
}

/** A node of the syntax tree (ESTree), as far as it is known. */
interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

type FindEdits = (node: Node, text: (node: Node) => string, parent: Node | undefined) => Edit[];

/** All edits of a source by all operators, in the order of the text. `program` is its syntax tree. */
export function findEdits(program: unknown, source: string): Edit[] {
  const text = ({ start, end }: Node) => source.slice(start, end);
  const edits: Edit[] = [];
  const visit = (node: Node, parent: Node | undefined) => {
    for (const find of FINDERS) edits.push(...find(node, text, parent));
    for (const child of childrenOf(node)) visit(child, node);
  };
  visit(program as Node, undefined);
  return edits.sort((a, b) => a.start - b.start || a.end - b.end);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

// Types are not code.
function childrenOf(node: Node): Node[] {
  const children = Object.values(node).flat().filter(isNode);
  return children.filter(({ type }) => !type.startsWith("TS") || /^TS(As|Sat|NonNull)/.test(type));
}

function replaceNode({ start, end }: Node, operator: Operator, replacement: string): Edit {
  return { operator, start, end, replacement };
}

function nameOf(node: Node | undefined): string {
  return node?.type === "Identifier" ? String(node.name) : "";
}

const dropCondition: FindEdits = (node, text) => {
  if (node.type !== "CallExpression") return [];
  const name = nameOf(node.callee as Node);
  const operands = node.arguments as Node[];
  if (!["and", "or"].includes(name) || operands.length < 2) return [];
  return operands.map((dropped) => {
    const rest = operands.filter((operand) => operand !== dropped).map(text);
    return replaceNode(node, "drop-condition", `${name}(${rest.join(", ")})`);
  });
};

const dropSqlCondition: FindEdits = (node, text) => {
  if (node.type !== "TaggedTemplateExpression" || nameOf(node.tag as Node) !== "sql") return [];
  const quasi = node.quasi as Node & { expressions: Node[] };
  let masked = text(quasi);
  for (const { start, end } of quasi.expressions) {
    const from = start - quasi.start;
    masked = masked.slice(0, from) + "x".repeat(end - start) + masked.slice(end - quasi.start);
  }
  return findSqlOperands(masked).map(({ start, end }) => ({
    operator: "drop-sql-condition",
    start: quasi.start + start,
    end: quasi.start + end,
    replacement: "",
  }));
};

const skipGuard: FindEdits = (node) => {
  if (node.type !== "IfStatement" || node.alternate) return [];
  const consequent = node.consequent as Node;
  const body = consequent.type === "BlockStatement" ? (consequent.body as Node[]) : [consequent];
  const last = body.at(-1)?.type;
  if (last !== "ThrowStatement" && last !== "ReturnStatement") return [];
  return [replaceNode(node.test as Node, "skip-guard", "false")];
};

const CHECKING =
  /^(require|refuse|check|void|end|delete|clear|cache|count[A-Z]|explain|record|increment|move|confirm|note)/;

const skipCall: FindEdits = (node) => {
  if (node.type !== "ExpressionStatement") return [];
  const expression = node.expression as Node;
  const call = expression.type === "AwaitExpression" ? (expression.argument as Node) : expression;
  if (call.type !== "CallExpression") return [];
  const callee = call.callee as Node;
  const name = nameOf(callee.type === "MemberExpression" ? (callee.property as Node) : callee);
  return CHECKING.test(name) ? [replaceNode(node, "skip-call", ";")] : [];
};

/** Tests that only make a value usable: without them, the code throws. */
const USABLE = /(undefined|null)$|\binstanceof\b/;

const dropOperand: FindEdits = (node, text, parent) => {
  if (node.type !== "LogicalExpression" || node.operator === "??") return [];
  if (parent?.type === "SpreadElement") return [];
  const [left, right] = [node.left as Node, node.right as Node];
  return [
    { kept: left, dropped: right },
    { kept: right, dropped: left },
  ].flatMap(({ kept, dropped }) =>
    USABLE.test(text(dropped)) ? [] : [replaceNode(node, "drop-operand", `(${text(kept)})`)],
  );
};

const BOUNDS: Readonly<Record<string, string>> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" };
const OPPOSITES: Readonly<Record<string, string>> = { "===": "!==", "!==": "===" };

const changeComparison: FindEdits = (node, text) => {
  if (node.type !== "BinaryExpression") return [];
  const operator = String(node.operator);
  const [left, right] = [text(node.left as Node), text(node.right as Node)];
  const shifted = BOUNDS[operator];
  if (shifted) return [replaceNode(node, "shift-bound", `${left} ${shifted} ${right}`)];
  const opposite = OPPOSITES[operator];
  return opposite ? [replaceNode(node, "negate", `${left} ${opposite} ${right}`)] : [];
};

const fixChoice: FindEdits = (node, text) => {
  if (node.type !== "ConditionalExpression") return [];
  return [node.consequent, node.alternate].map((kept) =>
    replaceNode(node, "fix-choice", `(${text(kept as Node)})`),
  );
};

const PARTS = ["effects", "before", "furtherEvents"];

// The statements of a transaction are the members of an object that a function of `recorded` returns.
const dropEffect: FindEdits = (node, text, parent) => {
  if (node.type !== "ObjectExpression" || parent?.type !== "ArrowFunctionExpression") return [];
  const [parameter] = parent.params as Node[];
  if (nameOf(parameter) !== "recorded") return [];
  const members = node.properties as Node[];
  return members.map((dropped) => {
    const rest = members.filter((member) => member !== dropped).map(text);
    return replaceNode(node, "drop-effect", `{ ${rest.join(", ")} }`);
  });
};

const dropPart: FindEdits = (node) => {
  if (node.type !== "Property" || !PARTS.includes(nameOf(node.key as Node))) return [];
  const value = node.value as Node;
  return ["Identifier", "ObjectExpression"].includes(value.type) && node.kind === "init"
    ? [replaceNode(value, "drop-effect", "undefined")]
    : [];
};

const QUANTIFIERS = new Map([
  ["some", "every"],
  ["every", "some"],
]);

const changeIteration: FindEdits = (node, text) => {
  if (node.type !== "CallExpression") return [];
  const callee = node.callee as Node;
  if (callee.type !== "MemberExpression") return [];
  const name = nameOf(callee.property as Node);
  const other = QUANTIFIERS.get(name);
  if (other) return [replaceNode(callee.property as Node, "loosen-quantifier", other)];
  return name === "filter"
    ? [replaceNode(node, "skip-filter", `(${text(callee.object as Node)})`)]
    : [];
};

const flipFlag: FindEdits = (node) => {
  if (node.type !== "Property") return [];
  const value = node.value as Node;
  if (value.type !== "Literal" || typeof value.value !== "boolean") return [];
  return [replaceNode(value, "flip-flag", String(!value.value))];
};

const raiseLimit: FindEdits = (node) => {
  if (node.type !== "VariableDeclarator" || !/LIMIT|MAX_|_FACTOR/.test(nameOf(node.id as Node))) {
    return [];
  }
  const value = node.init as Node | null;
  if (value?.type !== "Literal" || typeof value.value !== "number") return [];
  return [replaceNode(value, "raise-limit", String(value.value + 1))];
};

const FINDERS: readonly FindEdits[] = [
  dropCondition,
  dropSqlCondition,
  skipGuard,
  skipCall,
  dropOperand,
  changeComparison,
  fixChoice,
  dropEffect,
  dropPart,
  changeIteration,
  flipFlag,
  raiseLimit,
];
