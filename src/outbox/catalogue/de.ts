import type { Catalogue } from "./catalogue.ts";

export const de: Catalogue = {
  mails: {
    verify_email: ({ validFor }) => ({
      subject: "Bestätigen Sie Ihre E-Mail-Adresse",
      lines: [
        "Bitte bestätigen Sie, dass diese Adresse Ihnen gehört.",
        `Der Link ist ${validFor} lang gültig. Wenn Sie sich nicht registriert haben, ignorieren Sie diese E-Mail: Jemand anderes kennt das Passwort des Kontos.`,
      ],
      button: "E-Mail-Adresse bestätigen",
    }),
    reset_password: ({ validFor }) => ({
      subject: "Setzen Sie Ihr Passwort zurück",
      lines: [
        "Jemand hat angefordert, das Passwort Ihres Kontos zurückzusetzen.",
        `Der Link ist ${validFor} lang gültig. Wenn Sie das nicht waren, ignorieren Sie diese E-Mail: Ihr Passwort ist unverändert.`,
      ],
      button: "Neues Passwort wählen",
    }),
    invitation: ({ validFor }) => ({
      subject: "Einladung zu Ihrem Konto",
      lines: [
        "Ein Administrator hat ein Konto für Sie angelegt. Wählen Sie ein Passwort, um es zu nutzen.",
        `Der Link ist ${validFor} lang gültig.`,
      ],
      button: "Passwort wählen",
    }),
    change_email: ({ validFor }) => ({
      subject: "Bestätigen Sie Ihre neue E-Mail-Adresse",
      lines: [
        "Bitte bestätigen Sie diese Adresse, um sie für Ihr Konto zu verwenden.",
        `Der Link ist ${validFor} lang gültig. Bis zur Bestätigung behält Ihr Konto die alte Adresse.`,
      ],
      button: "Neue E-Mail-Adresse bestätigen",
    }),
    email_change_notice: {
      subject: "Ihre E-Mail-Adresse soll geändert werden",
      lines: [
        "Jemand, der Ihr Passwort kennt, hat eine Änderung Ihrer E-Mail-Adresse angefordert.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort.",
      ],
    },
    email_changed: {
      subject: "Ihre E-Mail-Adresse wurde geändert",
      lines: [
        "Ein Administrator hat die E-Mail-Adresse Ihres Kontos geändert. Diese Adresse wird nicht mehr verwendet.",
        "Wenn Sie das nicht erwartet haben, wenden Sie sich an Ihren Administrator.",
      ],
    },
    password_changed: {
      subject: "Ihr Passwort wurde geändert",
      lines: [
        "Das Passwort Ihres Kontos wurde geändert, und Ihre anderen Sitzungen wurden beendet.",
        "Wenn Sie das nicht waren, setzen Sie jetzt Ihr Passwort zurück.",
      ],
    },
    new_sign_in: {
      subject: "Neue Anmeldung bei Ihrem Konto",
      lines: [
        "Jemand hat sich von einem neuen Gerät aus bei Ihrem Konto angemeldet.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie die Sitzung.",
      ],
    },
    api_key_created: ({ about }) => ({
      subject: "Neuer API-Schlüssel für Ihr Konto",
      lines: [
        `Jemand hat einen API-Schlüssel für Ihr Konto erstellt. Sein Name ist „${about}“.`,
        "Wenn Sie das nicht erwartet haben, widerrufen Sie den Schlüssel und ändern Sie jetzt Ihr Passwort.",
      ],
    }),
    account_locked: {
      subject: "Ihr Konto ist vorübergehend gesperrt",
      lines: [
        "Es gab zu viele fehlgeschlagene Versuche, sich bei Ihrem Konto anzumelden. Die Netzwerke, aus denen sie kamen, sind für einige Minuten gesperrt.",
        "Wenn Sie das waren, warten Sie einige Minuten, setzen Sie Ihr Passwort zurück oder bitten Sie einen Administrator, das Konto zu entsperren.",
        "Wenn Sie das nicht waren, müssen Sie nichts tun: Ihr Passwort ist unverändert, und von Ihren üblichen Orten aus können Sie sich weiterhin anmelden.",
      ],
    },
    factor_added: {
      subject: "Zweiter Faktor zu Ihrem Konto hinzugefügt",
      lines: [
        "Zu Ihrem Konto wurde ein zweiter Faktor hinzugefügt. Er wird ab jetzt bei jeder Anmeldung abgefragt.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort, entfernen Sie den Faktor und beenden Sie Ihre anderen Sitzungen.",
      ],
    },
    factor_removed: {
      subject: "Zweiter Faktor von Ihrem Konto entfernt",
      lines: [
        "Ein zweiter Faktor wurde von Ihrem Konto entfernt.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie Ihre anderen Sitzungen.",
      ],
    },
    mfa_failed: {
      subject: "Fehlgeschlagene Bestätigung Ihrer Identität",
      lines: [
        "Jemand, der einen Faktor bereits nachgewiesen hatte, zum Beispiel Ihr Passwort, hat einen falschen Code für den zweiten gesendet.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort: Jemand anderes kennt es vielleicht. Ohne den zweiten Faktor ist keine Anmeldung möglich.",
      ],
    },
    recovery_code_used: {
      subject: "Ein Wiederherstellungscode wurde verwendet",
      lines: [
        "Einer Ihrer Wiederherstellungscodes wurde anstelle Ihres zweiten Faktors verwendet. Er funktioniert kein zweites Mal.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort, beenden Sie Ihre anderen Sitzungen und erzeugen Sie neue Wiederherstellungscodes.",
      ],
    },
    recovery_codes_low: {
      subject: "Sie haben noch drei Wiederherstellungscodes",
      lines: [
        "Sie haben noch drei Wiederherstellungscodes. Erzeugen Sie neue, die die verbliebenen ersetzen.",
      ],
    },
    factors_reset: {
      subject: "Ihre zweiten Faktoren wurden entfernt",
      lines: [
        "Ein Administrator hat die zweiten Faktoren Ihres Kontos und seine Wiederherstellungscodes entfernt. Sie wurden überall abgemeldet.",
        "Melden Sie sich mit Ihrem Passwort an und richten Sie wieder einen zweiten Faktor ein. Wenn Sie nicht darum gebeten haben, ändern Sie jetzt Ihr Passwort und wenden Sie sich an Ihren Administrator.",
      ],
    },
  },
  greeting: (name) => `Hallo ${name},`,
  time: (at) => `Zeitpunkt: ${at}`,
  usage: ({ url, body }) =>
    `Wenn der Link keine Seite öffnet, senden Sie sein Token, also alles nach dem Gleichheitszeichen: POST ${url} mit dem JSON-Inhalt ${body}`,
  closing: (appName) => `Diese E-Mail betrifft ein Konto bei ${appName}.`,
};
