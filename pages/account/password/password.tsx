import { useState } from "preact/hooks";
import { ok } from "roster-client";
import { api } from "../../shared/api.ts";
import { settings } from "../../shared/settings.ts";
import { useTexts } from "../../texts/texts.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { ChangePassword } from "./change-password.tsx";

/** The person's password: change it, set one, or remove it where there is another way to log in. */
export function Password() {
  const { nav, password } = useTexts().account;
  useTitle(nav.password);
  const state = useLoad(loadState, []);
  const [done, setDone] = useState<"changed" | "set" | "removed">();
  const [isAsking, setAsking] = useState(false);
  const remove = async () => {
    await ok(api.DELETE("/v1/auth/password"));
    setDone("removed");
    state.reload();
  };
  return (
    <>
      <h1>{nav.password}</h1>
      {done && <Notice kind="success">{password[done]}</Notice>}
      <Show of={state}>
        {({ user, hasOtherWay }) => (
          <>
            <ChangePassword
              key={String(user.has_password)}
              username={user.username}
              hasPassword={user.has_password}
              onDone={() => {
                setDone(user.has_password ? "changed" : "set");
                state.reload();
              }}
            />
            {user.has_password && hasOtherWay && (
              <section class="card entry">
                <h2>{password.remove}</h2>
                <p>{password.removeIntro}</p>
                <button type="button" onClick={() => setAsking(true)}>
                  {password.remove}
                </button>
              </section>
            )}
          </>
        )}
      </Show>
      {isAsking && (
        <Confirm
          title={password.remove}
          confirm={password.remove}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        >
          <p>{password.removeWarning}</p>
        </Confirm>
      )}
    </>
  );
}

/** The account, and whether there seems to be another way to log in to it. The service decides. */
async function loadState() {
  const [{ user }, factors, identities] = await Promise.all([
    ok(api.GET("/v1/auth/me")),
    ok(api.GET("/v1/auth/factors")),
    ok(api.GET("/v1/auth/identities")),
  ]);
  const hasOtherWay =
    factors.data.some(({ type }) => type === "passkey") ||
    identities.data.length > 0 ||
    (settings.email_login && user.email_verified);
  return { user, hasOtherWay };
}
