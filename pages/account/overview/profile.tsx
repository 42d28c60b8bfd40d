import { useId } from "preact/hooks";
import { okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { LANGUAGES, useTexts } from "../../texts/texts.ts";
import { clearEmpty, EditForm, toTexts } from "../../ui/edit-form.tsx";
import { Field } from "../../ui/form.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { TextArea } from "../../ui/text-area.tsx";

const ME = { path: { id: "me" } };
const FIELDS = ["display_name", "bio", "phone", "locale", "timezone", "avatar_url"] as const;

const loadProfile = () => okWithTag(api.GET("/v1/users/{id}/profile", { params: ME }));

/** What the person tells about themselves. */
export function Profile() {
  const { overview } = useTexts().account;
  const id = useId();
  const profile = useLoad(loadProfile, []);
  const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <section class="card entry">
      <h2>{overview.profile}</h2>
      <Show of={profile}>
        {(version) => (
          <EditForm
            label={overview.profile}
            version={version}
            labels={overview.profileFields}
            toValues={(data) => toTexts(data, FIELDS)}
            load={loadProfile}
            save={(changes, { etag }) =>
              okWithTag(
                api.PATCH("/v1/users/{id}/profile", {
                  params: { ...ME, header: { "If-Match": etag } },
                  body: clearEmpty(changes),
                }),
              )
            }
            onChange={profile.setData}
            isMerging
          >
            {(field) => (
              <>
                <Field {...field("display_name")} autoComplete="nickname" />
                <TextArea {...field("bio")} />
                <Field
                  {...field("phone")}
                  type="tel"
                  autoComplete="tel"
                  hint={overview.phoneHint}
                />
                <Field
                  {...field("locale")}
                  list={`${id}-languages`}
                  autoCapitalize="off"
                  spellcheck={false}
                  hint={overview.localeHint}
                />
                <Options id={`${id}-languages`} values={Object.keys(LANGUAGES)} />
                <Field
                  {...field("timezone")}
                  list={`${id}-zones`}
                  autoCapitalize="off"
                  spellcheck={false}
                  hint={overview.timezoneHint(here)}
                />
                <Options id={`${id}-zones`} values={Intl.supportedValuesOf("timeZone")} />
                <Field
                  {...field("avatar_url")}
                  type="url"
                  autoComplete="photo"
                  hint={overview.avatarHint}
                />
              </>
            )}
          </EditForm>
        )}
      </Show>
    </section>
  );
}

function Options({ id, values }: { id: string; values: readonly string[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}
