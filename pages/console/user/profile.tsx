import { type components, okWithTag } from "roster-client";
import { api } from "../../shared/api.ts";
import { faultOf } from "../../shared/problem.ts";
import { useTexts } from "../../texts/texts.ts";
import { EditForm, toTexts, type Values, type Versioned } from "../../ui/edit-form.tsx";
import { Field } from "../../ui/form.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { TextArea } from "../../ui/text-area.tsx";
import type { SectionProps } from "./user.tsx";

type ProfileData = components["schemas"]["Profile"];

const TEXTS = ["display_name", "bio", "avatar_url", "phone", "locale", "timezone"] as const;

/** The profile of a user. */
export function Profile({ user, access }: SectionProps) {
  const { common, user: texts } = useTexts();
  const { labels, hints, title, badMetadata } = texts.profile;
  const path = { id: user.id };
  const load = () => okWithTag(api.GET("/v1/users/{id}/profile", { params: { path } }));
  const loaded = useLoad(load, []);
  const save = (changes: Values, { data, etag }: Versioned<ProfileData>) => {
    const params = { path, header: { "If-Match": etag } };
    const body = toProfile({ ...toValues(data), ...changes }, badMetadata);
    return okWithTag(api.PUT("/v1/users/{id}/profile", { params, body }));
  };
  return (
    <section class="card">
      <h2>{title}</h2>
      <Show of={loaded}>
        {(version) =>
          access.editsProfile ? (
            <EditForm
              label={title}
              version={version}
              labels={labels}
              toValues={toValues}
              save={save}
              load={load}
              onChange={loaded.setData}
            >
              {(bind) => (
                <>
                  <div class="fields">
                    <Field {...bind("display_name")} autoComplete="off" />
                    <Field {...bind("phone")} type="tel" hint={hints.phone} autoComplete="off" />
                    <Field {...bind("locale")} hint={hints.locale} autoComplete="off" />
                    <Field {...bind("timezone")} hint={hints.timezone} autoComplete="off" />
                    <Field
                      {...bind("avatar_url")}
                      type="url"
                      hint={hints.avatar_url}
                      autoComplete="off"
                    />
                  </div>
                  <TextArea {...bind("bio")} />
                  <TextArea
                    {...bind("metadata")}
                    class="code"
                    spellcheck={false}
                    hint={hints.metadata}
                  />
                </>
              )}
            </EditForm>
          ) : (
            <dl class="facts">
              {Object.entries(toValues(version.data)).map(([name, value]) => (
                <>
                  <dt key={name}>{(labels as Values)[name]}</dt>
                  <dd class="multiline">{value || common.none}</dd>
                </>
              ))}
            </dl>
          )
        }
      </Show>
    </section>
  );
}

function toValues(profile: ProfileData): Values {
  const texts = toTexts(profile, TEXTS);
  const metadata = profile.metadata ?? {};
  const isEmpty = Object.keys(metadata).length === 0;
  return { ...texts, metadata: isEmpty ? "" : JSON.stringify(metadata, null, 2) };
}

function toProfile(values: Values, badMetadata: string) {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, values[name] || null]));
  return { ...texts, metadata: parseMetadata(values.metadata ?? "", badMetadata) };
}

function parseMetadata(text: string, message: string): Record<string, unknown> | null {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw faultOf("metadata", message);
  }
}
