interface Participants {
  [alias: string]: string;
}

const ARROW = /^(\w+)-{1,2}>>(\w+): (.*)$/;
const NOTE = /^Note (?:over|left of|right of) [\w,]+: (.*)$/;

/**
 * The steps of a Mermaid sequence diagram as text, because the guide has no scripts that could draw it. Throws an error for a line that
 * it does not know.
 */
export function listSteps(diagram: string): string[] {
  const [kind, ...lines] = diagram.split("\n").map((line) => line.trim());
  if (kind !== "sequenceDiagram")
    throw new Error(`The guide cannot show a diagram of type ${kind}.`);
  const names: Participants = {};
  const steps: string[] = [];
  for (const line of lines) {
    const [, alias, name] = /^participant (\w+)(?: as (.*))?$/.exec(line) ?? [];
    if (alias) names[alias] = name ?? alias;
    else if (line !== "" && line !== "end") steps.push(...toSteps(line, names));
  }
  return steps;
}

function toSteps(line: string, names: Participants): string[] {
  const [, from = "", to = "", what] = ARROW.exec(line) ?? [];
  if (what !== undefined) {
    const whom = from === to ? names[from] : `${names[from]} → ${names[to]}`;
    return [`${whom}: ${what}`];
  }
  const [, note] = NOTE.exec(line) ?? [];
  if (note) return note.split("<br/>");
  const [, condition] = /^loop (.*)$/.exec(line) ?? [];
  if (condition) return [`Repeated ${condition}:`];
  throw new Error(`The guide cannot show this line of a diagram: ${line}`);
}
