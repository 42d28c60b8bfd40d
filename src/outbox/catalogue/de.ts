import type { Catalogue } from "./catalogue.ts";

export const de: Catalogue = {
  mails: {
    verify_email: ({ validFor }) => ({
      subject: "Bestätigen Sie Ihre E-Mail-Adresse",
      lines: [
        "Bitte bestätigen Sie, dass diese Adresse Ihnen gehört.",
        `Der Link ist ${validFor} lang gültig. Wenn Sie sich nicht registriert haben, kennt jemand anderes das Passwort des Kontos: Der zweite Link löscht es.`,
      ],
      button: "E-Mail-Adresse bestätigen",
      disown: "Das war ich nicht: Konto löschen",
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
        "Jemand, der bei Ihrem Konto angemeldet ist, hat eine Änderung Ihrer E-Mail-Adresse angefordert.",
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie Ihre anderen Sitzungen.",
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
    session_locked: {
      subject: "Zu viele falsche Passwörter in einer Sitzung Ihres Kontos",
      lines: [
        "Jemand, der bei Ihrem Konto angemeldet ist, hat zu oft ein falsches Passwort eingegeben, um eine Änderung zu bestätigen. Diese Sitzung kann einige Minuten lang keine Änderungen bestätigen. Anmeldungen sind nicht betroffen.",
        "Wenn Sie das waren, warten Sie einige Minuten oder setzen Sie Ihr Passwort zurück.",
        "Wenn Sie das nicht waren, ist jemand anderes bei Ihrem Konto angemeldet: Ändern Sie jetzt Ihr Passwort und beenden Sie Ihre anderen Sitzungen.",
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
    address_proven: ({ removed }) => ({
      subject: "Ihre E-Mail-Adresse ist bestätigt",
      lines: [
        "Jemand, der Ihre E-Mails liest, hat soeben bestätigt, dass die Adresse dieses Kontos Ihnen gehört.",
        `Das hatte zuvor niemand getan. Das Konto könnte also von Fremden eingerichtet worden sein. Entfernt wurden: ${removed}.`,
        "Wenn Sie das selbst eingerichtet hatten, richten Sie es erneut ein. Wenn Sie nichts bestätigt haben, liest jemand anderes Ihre E-Mails: Sichern Sie Ihr Postfach.",
      ],
    }),
    email_login: ({ code, validFor }) => ({
      subject: "Melden Sie sich bei Ihrem Konto an",
      lines: [
        `Ihr Code zum Anmelden ist ${code}`,
        `Geben Sie ihn dort ein, wo Sie ihn angefordert haben, oder folgen Sie dem Link. Beide sind ${validFor} lang gültig und funktionieren einmal.`,
        "Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail und geben Sie den Code niemandem.",
      ],
      button: "Anmelden",
    }),
    password_set: {
      subject: "Für Ihr Konto wurde ein Passwort festgelegt",
      lines: [
        "Für Ihr Konto wurde ein Passwort festgelegt, und Ihre anderen Sitzungen wurden beendet.",
        "Wenn Sie das nicht waren, setzen Sie jetzt Ihr Passwort zurück.",
      ],
    },
    password_removed: {
      subject: "Das Passwort Ihres Kontos wurde entfernt",
      lines: [
        "Das Passwort Ihres Kontos wurde entfernt, und Ihre anderen Sitzungen wurden beendet. Melden Sie sich ab jetzt auf einem anderen Weg an.",
        "Wenn Sie das nicht waren, setzen Sie jetzt Ihr Passwort zurück.",
      ],
    },
    step_up_code: ({ code, validFor }) => ({
      subject: "Bestätigen Sie, dass Sie es sind",
      lines: [
        `Ihr Code zur Bestätigung, dass Sie es sind, ist ${code}`,
        `Er ist ${validFor} lang gültig und funktioniert einmal.`,
        "Wenn Sie das nicht angefordert haben, ist jemand anderes bei Ihrem Konto angemeldet: Ändern Sie Ihr Passwort und beenden Sie Ihre anderen Sitzungen.",
      ],
    }),
    identity_linked: ({ about }) => ({
      subject: "Anmeldedienst mit Ihrem Konto verknüpft",
      lines: [
        `Ein Konto beim Anmeldedienst „${about}“ wurde mit Ihrem Konto verknüpft. Wer sich dort anmelden kann, kann sich bei Ihrem Konto anmelden.`,
        "Wenn Sie das nicht waren, entfernen Sie es, ändern Sie Ihr Passwort und beenden Sie jetzt Ihre anderen Sitzungen.",
      ],
    }),
    identity_unlinked: ({ about }) => ({
      subject: "Anmeldedienst von Ihrem Konto entfernt",
      lines: [
        `Ein Konto beim Anmeldedienst „${about}“ wurde von Ihrem Konto entfernt. Es kann nicht mehr zur Anmeldung verwendet werden.`,
        "Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort und beenden Sie Ihre anderen Sitzungen.",
      ],
    }),
  },
  removed: {
    password: "das Passwort",
    sessions: "alle Sitzungen",
    api_keys: "alle API-Schlüssel",
    factors: "alle zweiten Faktoren",
    identities: "alle Konten bei anderen Anbietern",
  },
  greeting: (name) => `Hallo ${name},`,
  time: (at) => `Zeitpunkt: ${at}`,
  closing: (appName) => `Diese E-Mail betrifft ein Konto bei ${appName}.`,
};
