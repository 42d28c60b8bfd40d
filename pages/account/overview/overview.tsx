import { okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { useTexts } from "../../texts/texts.ts";
import { clearEmpty, EditForm, toTexts } from "../../ui/edit-form.tsx";
import { Field } from "../../ui/form.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Time } from "../../ui/time.tsx";
import { Profile } from "./profile.tsx";

const ME = { path: { id: "me" } };
const FIELDS = ["username", "first_name", "last_name"] as const;

const loadUser = () => okWithTag(api.GET("/v1/users/{id}", { params: ME }));

/** Who the person is: names, username and profile. */
export function Overview() {
  const { account } = useTexts();
  useTitle(account.nav.overview);
  return (
    <>
      <h1>{account.nav.overview}</h1>
      <div class="columns">
        <Names />
        <Profile />
      </div>
    </>
  );
}

function Names() {
  const { account } = useTexts();
  const { overview } = account;
  const user = useLoad(loadUser, []);
  return (
    <section class="card entry">
      <h2>{overview.names}</h2>
      <Show of={user}>
        {(version) => (
          <>
            <dl class="facts">
              <dt>{overview.role}</dt>
              <dd>{version.data.role}</dd>
              <dt>{overview.since}</dt>
              <dd>
                <Time at={version.data.created_at} />
              </dd>
            </dl>
            <EditForm
              label={overview.names}
              version={version}
              labels={overview.nameFields}
              toValues={(data) => toTexts(data, FIELDS)}
              load={loadUser}
              save={({ username, ...names }, { etag }) =>
                okWithTag(
                  api.PATCH("/v1/users/{id}", {
                    params: { ...ME, header: { "If-Match": etag } },
                    body: { ...clearEmpty(names), ...(username !== undefined && { username }) },
                  }),
                )
              }
              onChange={user.setData}
              isMerging
            >
              {(field) => (
                <>
                  <Field
                    {...field("username")}
                    hint={overview.usernameHint}
                    autoComplete="username"
                    autoCapitalize="off"
                    spellcheck={false}
                    required
                  />
                  <Field {...field("first_name")} autoComplete="given-name" />
                  <Field {...field("last_name")} autoComplete="family-name" />
                </>
              )}
            </EditForm>
          </>
        )}
      </Show>
    </section>
  );
}
