import type { ComponentType } from "preact";
import { okWithTag, type SessionState } from "roster-client";
import { api } from "../../shared/api.ts";
import { useSession } from "../../shared/session.ts";
import { useTexts } from "../../texts/texts.ts";
import type { Versioned } from "../../ui/edit-form.tsx";
import { useTitle } from "../../ui/layout.tsx";
import { Show, useLoad } from "../../ui/load.tsx";
import { Notice } from "../../ui/notice.tsx";
import { lastListAddress } from "../users/place.ts";
import { type Access, accessTo, type User } from "./access.ts";
import { ApiKeys } from "./api-keys.tsx";
import { Overview } from "./overview.tsx";
import { Profile } from "./profile.tsx";
import { Sessions } from "./sessions.tsx";
import { Status } from "./status.tsx";
import { Trail } from "./trail.tsx";

/** What every section of a user's page gets. */
export interface SectionProps {
  user: User;
  access: Access;
  version: Versioned<User>;
  /** Loads the user once more. */
  load: () => Promise<Versioned<User>>;
  /** Shows what another response had. */
  onChange: (version: Versioned<User>) => void;
  /** Shows the user as they are now. */
  reload: () => void;
}

interface Section {
  name: "account" | "profile" | "sessions" | "apiKeys" | "trail";
  path: string;
  Content: ComponentType<SectionProps>;
  isOpen: (access: Access) => boolean;
}

const OVERVIEW: Section = { name: "account", path: "", Content: Overview, isOpen: () => true };
const SECTIONS: readonly Section[] = [
  OVERVIEW,
  { name: "profile", path: "profile", Content: Profile, isOpen: ({ isDeleted }) => !isDeleted },
  {
    name: "sessions",
    path: "sessions",
    Content: Sessions,
    isOpen: ({ readsSessions }) => readsSessions,
  },
  { name: "apiKeys", path: "api-keys", Content: ApiKeys, isOpen: ({ readsKeys }) => readsKeys },
  { name: "trail", path: "audit", Content: Trail, isOpen: ({ readsTrail }) => readsTrail },
];

interface UserPageProps {
  id: string;
  section?: string;
}

/** The page of a user, with what the person's role allows. */
export function UserPage(props: UserPageProps) {
  const session = useSession();
  return session ? <OneUser key={props.id} session={session} {...props} /> : null;
}

function OneUser({ id, section = "", session }: UserPageProps & { session: SessionState }) {
  const { console } = useTexts();
  useTitle(console.nav.users);
  const load = () => {
    const query = session.permissions.has("users:delete") ? { deleted: true } : {};
    return okWithTag(api.GET("/v1/users/{id}", { params: { path: { id }, query } }));
  };
  const loaded = useLoad(load, []);
  return (
    <>
      <p class="back">
        <a href={lastListAddress(session.sessionId)}>← {console.nav.users}</a>
      </p>
      {!loaded.data && <h1>{console.nav.users}</h1>}
      <Show of={loaded}>
        {(version) => (
          <Sections
            section={section}
            user={version.data}
            access={accessTo(session, version.data)}
            version={version}
            load={load}
            onChange={loaded.setData}
            reload={loaded.reload}
          />
        )}
      </Show>
    </>
  );
}

function Sections({ section, ...props }: SectionProps & { section: string }) {
  const { user: texts } = useTexts();
  const { user, access } = props;
  useTitle(user.username);
  const open = SECTIONS.filter(({ isOpen }) => isOpen(access));
  const current = open.find(({ path }) => path === section) ?? OVERVIEW;
  const base = `/console/users/${user.id}`;
  return (
    <>
      <h1>{user.username}</h1>
      <p>
        <span class="muted">{user.full_name}</span> <Status of={user} />
      </p>
      {access.isAbove && <Notice kind="info">{texts.above}</Notice>}
      {open.length > 1 && (
        <nav class="tabs" aria-label={texts.navigation}>
          {open.map(({ name, path }) => (
            <a
              key={name}
              href={path ? `${base}/${path}` : base}
              aria-current={name === current.name ? "page" : undefined}
            >
              {texts.sections[name]}
            </a>
          ))}
        </nav>
      )}
      <current.Content {...props} />
    </>
  );
}
