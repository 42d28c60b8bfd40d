import type { Texts } from "../texts.ts";

export const analytics: Texts["analytics"] = {
  now: "Jetzt",
  figures: {
    total: "Benutzer",
    active: "Aktive Benutzer",
    verified: "E-Mail-Adresse bestätigt",
    withMfa: "Mit zweitem Faktor",
    live: "Laufende Sitzungen",
    day: "Heute aktive Personen",
    week: "In 7 Tagen aktive Personen",
    month: "In 30 Tagen aktive Personen",
  },
  daily: "Je Tag",
  utc: "Tage sind in UTC. Die Zahlen sind genau und enthalten den heutigen Tag bis jetzt.",
  period: "Zeitraum",
  lastDays: (days) => `Letzte ${days} Tage`,
  custom: "Frei gewählt",
  from: "Von",
  to: "Bis",
  apply: "Anwenden",
  asTable: "Als Tabelle zeigen",
  day: "Tag",
  series: {
    registrations: "Registrierungen",
    logins: "Anmeldungen",
    failed_logins: "Fehlversuche",
    active_users: "Aktive Personen",
    deletions: "Löschungen",
  },
  charts: {
    people: "Aktive Personen",
    logins: "Anmeldungen und Fehlversuche",
    accounts: "Registrierungen und Löschungen",
  },
  chart: (title, from, to) => `${title} je Tag, vom ${from} bis zum ${to}.`,
  described: (name, total, most, day) =>
    `${name}: insgesamt ${total}, höchstens ${most} am ${day}.`,
  describedMost: (name, most, day) => `${name}: höchstens ${most} am ${day}.`,
  retention: "Wiederkehr",
  retentionIntro:
    "Der Anteil der Personen, die sich in einer Woche registriert haben und in den Wochen danach aktiv waren. Woche 0 ist die Woche der Registrierung.",
  noCohorts: "In diesem Zeitraum hat sich niemand registriert.",
  cohort: "Woche der Registrierung",
  size: "Personen",
  week: (number) => `Woche ${number}`,
};
