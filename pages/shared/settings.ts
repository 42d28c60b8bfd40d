/** What the service tells its pages about itself. The worker writes it into the page as the element `#settings`. */
export interface PageSettings {
  app_name: string;
  /** Whether people can register. */
  registration: boolean;
  /** Whether people can log in with a link or code by email. */
  email_login: boolean;
  /** Whether passkeys work at this address. */
  passkeys: boolean;
  /** How many characters a new password has at least. */
  password_min_length: number;
}

const DEFAULTS: PageSettings = {
  app_name: "Roster",
  registration: false,
  email_login: false,
  passkeys: false,
  password_min_length: 8,
};

export const settings: Readonly<PageSettings> = {
  ...DEFAULTS,
  ...(JSON.parse(
    document.getElementById("settings")?.textContent || "{}",
  ) as Partial<PageSettings>),
};
