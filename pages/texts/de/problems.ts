import type { Texts } from "../texts.ts";

export const problems: Texts["problems"] = {
  network_error:
    "Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.",
  unexpected_error:
    "Auf dieser Seite ist ein Fehler aufgetreten. Laden Sie sie neu und versuchen Sie es erneut.",
  internal_error: "Der Dienst hat einen Fehler. Versuchen Sie es gleich noch einmal.",
  service_unavailable: "Der Dienst ist ausgelastet. Versuchen Sie es gleich noch einmal.",
  rate_limited: "Zu viele Anfragen. Warten Sie einen Moment.",
  too_many_attempts: "Zu viele Versuche.",
  invalid_credentials: "Der Name oder das Passwort ist falsch.",
  invalid_code: "Der Code ist falsch, schon benutzt oder abgelaufen.",
  invalid_token:
    "Der Link ist abgelaufen oder wurde schon benutzt. Fordern Sie eine neue E-Mail an.",
  invalid_mfa_token: "Die Anmeldung hat zu lange gedauert. Melden Sie sich noch einmal an.",
  unauthenticated: "Ihre Sitzung ist beendet. Melden Sie sich noch einmal an.",
  insufficient_user_authentication: "Dafür müssen Sie sich noch einmal ausweisen.",
  forbidden: "Ihre Rolle erlaubt das nicht.",
  privilege_escalation: "Dafür sind Berechtigungen nötig, die Sie selbst nicht haben.",
  validation_failed: "Prüfen Sie die markierten Felder.",
  version_conflict: "Jemand anderes hat das geändert. Laden Sie es neu.",
  email_taken: "Ein anderes Konto hat diese E-Mail-Adresse.",
  email_unchanged: "Das ist schon Ihre Adresse.",
  username_taken: "Ein anderes Konto hat diesen Benutzernamen.",
  email_not_verified: "Bestätigen Sie zuerst Ihre E-Mail-Adresse.",
  registration_closed: "Die Registrierung ist geschlossen.",
  last_admin: "Das ist der letzte aktive Administrator. Er muss bleiben.",
  last_login_method:
    "Das ist der letzte Weg, sich bei dem Konto anzumelden. Richten Sie zuerst einen anderen ein.",
  password_exists: "Ihr Konto hat schon ein Passwort.",
  api_key_not_found: "Diesen API-Schlüssel gibt es nicht mehr.",
  api_key_revoked: "Der API-Schlüssel ist widerrufen.",
  api_key_limit: "Sie haben so viele API-Schlüssel wie möglich. Widerrufen Sie zuerst einen.",
  identity_taken: "Das Konto beim Anbieter ist hier mit einem anderen Konto verknüpft.",
  identity_limit:
    "Mit Ihrem Konto sind so viele Konten wie möglich verknüpft. Heben Sie zuerst eine Verknüpfung auf.",
  identity_not_found: "Das Konto ist nicht mehr verknüpft.",
  session_not_found: "Die Sitzung ist schon beendet.",
  edit_conflict: "Jemand anderes hat das gleichzeitig geändert. Versuchen Sie es erneut.",
  user_not_found: "Diesen Benutzer gibt es nicht.",
  role_exists: "Eine Rolle mit diesem Namen gibt es schon.",
  role_in_use: "Benutzer haben diese Rolle noch. Geben Sie ihnen zuerst eine andere.",
  system_role:
    "Diese Rolle gehört zum Dienst. Nur ob sie einen zweiten Faktor verlangt, kann geändert werden.",
  permission_exists: "Eine Berechtigung mit diesem Namen gibt es schon.",
  permission_in_use:
    "Eine Rolle oder ein API-Schlüssel hat diese Berechtigung noch. Nehmen Sie sie dort zuerst weg.",
  permission_limit: "Ihre Anwendung hat schon 500 Berechtigungen. Mehr sind nicht möglich.",
  system_permission: "Diese Berechtigung gehört zum Dienst und kann nicht gelöscht werden.",
  role_not_found: "Diese Rolle gibt es nicht. Laden Sie die Seite neu.",
  permission_not_found: "Diese Berechtigung gibt es nicht. Laden Sie die Seite neu.",
  factor_exists: "Es gibt schon eine Authenticator-App. Entfernen Sie sie zuerst.",
  factor_not_found:
    "Das hat zu lange gedauert, oder der Faktor wurde entfernt. Beginnen Sie noch einmal.",
  passkey_unknown:
    "Der Passkey gehört zu keinem Konto hier. Wählen Sie einen anderen Passkey oder einen anderen Weg.",
  window_blocked:
    "Ihr Browser hat das Fenster blockiert. Erlauben Sie Pop-up-Fenster für diese Seite und versuchen Sie es erneut.",
  window_closed: "Das Fenster wurde geschlossen. Versuchen Sie es erneut.",
  provider_denied:
    "Sie haben die Anmeldung dort nicht erlaubt. Versuchen Sie es erneut, oder wählen Sie einen anderen Weg.",
  provider_failed:
    "Die Anmeldung dort ist fehlgeschlagen oder hat zu lange gedauert. Versuchen Sie es erneut.",
  provider_unverified:
    "Ihre E-Mail-Adresse ist nicht bestätigt. Bestätigen Sie sie dort, wo Sie sich gerade angemeldet haben, oder erstellen Sie ein Konto mit Passwort.",
  provider_unavailable:
    "Der andere Dienst ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
  account_link_required:
    "Es gibt ein Konto mit Ihrer E-Mail-Adresse. Melden Sie sich auf einem anderen Weg an, und verbinden Sie dann den anderen Dienst in Ihrem Konto.",
  redirect_uri_not_allowed:
    "Unter dieser Adresse können Sie sich nicht mit anderen Diensten anmelden.",
  mail_not_configured: "Dieser Dienst sendet keine E-Mails. Bitten Sie den Administrator um Hilfe.",
  passkey_declined:
    "Der Passkey wurde nicht verwendet. Versuchen Sie es erneut, oder wählen Sie einen anderen Weg.",
  passkey_exists: "Auf diesem Gerät gibt es schon einen Passkey für Ihr Konto.",
  passkey_failed: "Ihr Browser kann hier keine Passkeys verwenden. Wählen Sie einen anderen Weg.",
  passkey_limit: "Ihr Konto hat so viele Passkeys wie möglich. Entfernen Sie zuerst einen.",
  passkeys_unavailable:
    "Unter dieser Adresse gibt es keine Passkeys. Wählen Sie einen anderen Weg.",
  invalid_credential: "Der Passkey wurde nicht angenommen. Versuchen Sie es erneut.",
  factor_required: "Ihre Rolle verlangt einen zweiten Faktor.",
  origin_not_allowed: "Unter dieser Adresse können Sie nicht angemeldet bleiben.",
};
