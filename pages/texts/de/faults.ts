import type { Texts } from "../texts.ts";

export const faults: Texts["faults"] = {
  required: () => "Füllen Sie dieses Feld aus.",
  invalid_format: () => "Das Format stimmt nicht.",
  invalid_characters: () => "Steuerzeichen und unsichtbare Zeichen sind nicht erlaubt.",
  too_short: (limit) => (limit ? `Zu kurz: mindestens ${limit} Zeichen.` : "Zu kurz."),
  too_long: (limit) => (limit ? `Zu lang: höchstens ${limit} Zeichen.` : "Zu lang."),
  too_common: () => "Dieses Passwort ist zu häufig.",
  contains_username: () => "Das Passwort darf den Benutzernamen nicht enthalten.",
  contains_email: () => "Das Passwort darf den Teil der E-Mail-Adresse vor dem @ nicht enthalten.",
  breached: () => "Dieses Passwort ist aus einem Datenleck bekannt.",
  unchanged: () => "Das ist das abgelaufene Passwort. Wählen Sie ein anderes.",
  not_in_future: () => "Der Zeitpunkt muss in der Zukunft liegen.",
  reserved: () => "Dieser Name ist reserviert.",
  unknown_role: () => "Diese Rolle gibt es nicht.",
  not_permitted: () => "Diese Rolle dürfen Sie nicht vergeben.",
  email_taken: () => "Ein anderes Konto hat diese E-Mail-Adresse.",
  username_taken: () => "Ein anderes Konto hat diesen Benutzernamen.",
};
