import type { Texts } from "../texts.ts";

export const links: Texts["links"] = {
  expired: "Dieser Link gilt nicht mehr",
  toAccount: "Zu Ihrem Konto",
  verify: "E-Mail-Adresse bestätigen",
  verifyIntro: "Ist das Ihre E-Mail-Adresse? Dann bestätigen Sie sie.",
  verifyButton: "Diese Adresse bestätigen",
  verified: (address) => `Die Adresse ${address} ist bestätigt.`,
  verifyExpired:
    "Er ist abgelaufen, wurde schon benutzt oder durch einen neueren ersetzt. Fordern Sie einen neuen an.",
  verifyExpiredLogIn:
    "Er ist abgelaufen, wurde schon benutzt oder durch einen neueren ersetzt. Melden Sie sich an, um einen neuen anzufordern.",
  logInToResend: "Anmelden",
  resend: "Neuen Link senden",
  resent: "Wenn Ihre Adresse noch nicht bestätigt ist, haben wir Ihnen einen neuen Link gesendet.",
  disown: "Waren Sie das nicht?",
  disownIntro:
    "Jemand hat mit Ihrer E-Mail-Adresse ein Konto erstellt. Wenn Sie es nicht waren, löschen Sie das Konto. Wenn Sie es waren, schließen Sie diese Seite.",
  disownButton: "Das war ich nicht: Konto löschen",
  disownTitle: "Konto löschen?",
  disownWarning:
    "Das Konto wird mit allem, was dazugehört, gelöscht. Das lässt sich nicht rückgängig machen.",
  disownConfirm: "Konto löschen",
  disowned: "Das Konto wurde gelöscht. Sie brauchen nichts weiter zu tun.",
  resetIntro: "Danach müssen Sie sich auf allen Ihren Geräten neu anmelden.",
  resetExpired:
    "Er ist abgelaufen, wurde schon benutzt oder durch einen neueren ersetzt. Fordern Sie einen neuen an.",
  invitation: (app) => `Willkommen bei ${app}`,
  invitationIntro: "Für Sie gibt es ein Konto. Legen Sie ein Passwort fest, um es zu nutzen.",
  invitationExpired:
    "Die Einladung ist abgelaufen oder wurde schon benutzt. Fordern Sie einen Link an, um ein Passwort festzulegen, oder fragen Sie, wer Sie eingeladen hat.",
};
