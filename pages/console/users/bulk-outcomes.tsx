import { type Texts, useTexts } from "../../texts/texts.ts";
import { Notice } from "../../ui/notice.tsx";

/** What became of a user in a change of many. */
export interface BulkOutcome {
  id: string;
  username: string;
  status: "done" | "unchanged" | "refused";
  code?: string | undefined;
}

interface BulkOutcomesProps {
  of: readonly BulkOutcome[];
  onClose: () => void;
}

/** What became of each of many users. */
export function BulkOutcomes({ of, onClose }: BulkOutcomesProps) {
  const texts = useTexts();
  const { common, users } = texts;
  const isRefused = of.some(({ status }) => status === "refused");
  return (
    <Notice kind={isRefused ? "warning" : "success"}>
      <p>{users.bulk.summary(of.filter(({ status }) => status === "done").length, of.length)}</p>
      <ul class="outcomes">
        {of.map((outcome) => (
          <li key={outcome.id}>
            <a href={`/console/users/${outcome.id}`}>{outcome.username}</a>:{" "}
            {describe(outcome, texts)}
          </li>
        ))}
      </ul>
      <button type="button" onClick={onClose}>
        {common.close}
      </button>
    </Notice>
  );
}

function describe({ status, code = "" }: BulkOutcome, { users, problems }: Texts): string {
  return status === "refused" ? (problems[code] ?? code) : users.bulk[status];
}
