import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { Screen } from "../login/screen.tsx";
import { api } from "../shared/api.ts";
import { useTexts } from "../texts/texts.ts";
import { Confirm } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";

/** Deletes an account that someone else created with the reader's address. */
export function Disown({ token }: { token: string }) {
  const { links } = useTexts();
  const [isAsking, setAsking] = useState(false);
  const [isDone, setDone] = useState(false);
  const erase = async () => {
    await ok(api.POST("/v1/auth/email/disown", { body: { token } }));
    setDone(true);
  };
  if (isDone) {
    return (
      <Screen key="done" title={links.disown}>
        <Notice kind="success">{links.disowned}</Notice>
      </Screen>
    );
  }
  return (
    <Screen key="ask" title={links.disown}>
      <p>{links.disownIntro}</p>
      <div class="actions">
        <button type="button" class="danger" onClick={() => setAsking(true)}>
          {links.disownButton}
        </button>
      </div>
      {isAsking && (
        <Confirm
          title={links.disownTitle}
          confirm={links.disownConfirm}
          onConfirm={erase}
          onClose={() => setAsking(false)}
        >
          <p>{links.disownWarning}</p>
        </Confirm>
      )}
    </Screen>
  );
}
