import type { Catalogue } from "./catalogue.ts";

export const en: Catalogue = {
  mails: {
    verify_email: ({ validFor }) => ({
      subject: "Confirm your email address",
      lines: [
        "Confirm that this address is yours.",
        `The link is valid for ${validFor}. If you did not register, someone else knows the password of the account: the second link deletes it.`,
      ],
      button: "Confirm your email address",
      disown: "This wasn't me: delete the account",
    }),
    reset_password: ({ validFor }) => ({
      subject: "Reset your password",
      lines: [
        "Someone requested a password reset for your account.",
        `The link is valid for ${validFor}. If this was not you, ignore this email: your password has not changed.`,
      ],
      button: "Choose a new password",
    }),
    invitation: ({ validFor }) => ({
      subject: "You are invited to create your account",
      lines: [
        "An administrator has created an account for you. Choose a password to use it.",
        `The link is valid for ${validFor}.`,
      ],
      button: "Choose a password",
    }),
    change_email: ({ validFor }) => ({
      subject: "Confirm your new email address",
      lines: [
        "Confirm this address to use it for your account.",
        `The link is valid for ${validFor}. Until you confirm, your account keeps its old address.`,
      ],
      button: "Confirm your new email address",
    }),
    email_change_notice: {
      subject: "Your email address is about to change",
      lines: [
        "Someone who is logged in to your account requested a change of your email address.",
        "If this was not you, change your password and end your other sessions now.",
      ],
    },
    email_changed: {
      subject: "Your email address was changed",
      lines: [
        "An administrator changed the email address of your account. This address is no longer used.",
        "If you did not expect this, contact your administrator.",
      ],
    },
    password_changed: {
      subject: "Your password was changed",
      lines: [
        "The password of your account was changed, and your other sessions were ended.",
        "If this was not you, reset your password now.",
      ],
    },
    new_sign_in: {
      subject: "New login to your account",
      lines: [
        "Someone logged in to your account from a new device.",
        "If this was not you, change your password now and end the session.",
      ],
    },
    api_key_created: ({ about }) => ({
      subject: "New API key for your account",
      lines: [
        `Someone created an API key for your account. Its name is “${about}”.`,
        "If you did not expect this, revoke the key and change your password now.",
      ],
    }),
    account_locked: {
      subject: "Your account is temporarily locked",
      lines: [
        "There were too many failed attempts to log in to your account. The networks that they came from are locked out for a few minutes.",
        "If this was you, wait a few minutes, reset your password, or ask an administrator to unlock the account.",
        "If this was not you, you do not need to do anything: your password has not changed, and you can still log in from where you usually do.",
      ],
    },
    session_locked: {
      subject: "Too many wrong passwords in a session of your account",
      lines: [
        "Someone who is logged in to your account entered a wrong password too many times to confirm a change. That session cannot confirm changes for a few minutes. Logins are not affected.",
        "If this was you, wait a few minutes or reset your password.",
        "If this was not you, someone else is logged in to your account: change your password and end your other sessions now.",
      ],
    },
    factor_added: {
      subject: "Second factor added to your account",
      lines: [
        "A second factor was added to your account. Logins ask for it from now on.",
        "If this was not you, change your password now, remove the factor and end your other sessions.",
      ],
    },
    factor_removed: {
      subject: "Second factor removed from your account",
      lines: [
        "A second factor was removed from your account.",
        "If this was not you, change your password now and end your other sessions.",
      ],
    },
    mfa_failed: {
      subject: "Failed attempt to confirm it is you",
      lines: [
        "Someone who had already proven one factor, for example your password, sent a wrong code for the second one.",
        "If this was not you, change your password now: someone else may know it. Without the second factor they cannot log in.",
      ],
    },
    recovery_code_used: {
      subject: "A recovery code was used",
      lines: [
        "One of your recovery codes was used instead of your second factor. It does not work again.",
        "If this was not you, change your password, end your other sessions and generate new recovery codes now.",
      ],
    },
    recovery_codes_low: {
      subject: "You have three recovery codes left",
      lines: [
        "You have three recovery codes left. Generate new ones, which replace those that are left.",
      ],
    },
    factors_reset: {
      subject: "Your second factors were removed",
      lines: [
        "An administrator removed the second factors of your account, and its recovery codes. You were logged out everywhere.",
        "Log in with your password, and set up a second factor again. If you did not ask for this, change your password now and contact your administrator.",
      ],
    },
    address_proven: ({ removed }) => ({
      subject: "Your email address is confirmed",
      lines: [
        "Someone who reads your email has just confirmed that the address of this account is yours.",
        `Nobody had done so before, so a stranger may have set the account up. These were removed: ${removed}.`,
        "If you had set them up yourself, set them up again. If you have confirmed nothing, someone else reads your email: secure your mailbox.",
      ],
    }),
    email_login: ({ code, validFor }) => ({
      subject: "Log in to your account",
      lines: [
        `Your code to log in is ${code}`,
        `Enter it where you asked for it, or follow the link. Both are valid for ${validFor}, and work once.`,
        "If you did not ask for this, ignore this email, and do not share the code.",
      ],
      button: "Log in",
    }),
    password_set: {
      subject: "A password was set for your account",
      lines: [
        "A password was set for your account, and your other sessions were ended.",
        "If this was not you, reset your password now.",
      ],
    },
    password_removed: {
      subject: "The password of your account was removed",
      lines: [
        "The password of your account was removed, and your other sessions were ended. Log in another way from now on.",
        "If this was not you, reset your password now.",
      ],
    },
    step_up_code: ({ code, validFor }) => ({
      subject: "Confirm that it is you",
      lines: [
        `Your code to confirm that it is you is ${code}`,
        `It is valid for ${validFor}, and works once.`,
        "If you did not ask for this, someone is logged in to your account: change your password, and end your other sessions.",
      ],
    }),
    identity_linked: ({ about }) => ({
      subject: "Login provider linked to your account",
      lines: [
        `An account at the login provider “${about}” was linked to your account. Whoever can log in there can log in to your account.`,
        "If this was not you, remove it, change your password and end your other sessions now.",
      ],
    }),
    identity_unlinked: ({ about }) => ({
      subject: "Login provider removed from your account",
      lines: [
        `An account at the login provider “${about}” was removed from your account. It can no longer be used to log in.`,
        "If this was not you, change your password now and end your other sessions.",
      ],
    }),
  },
  removed: {
    password: "the password",
    sessions: "all sessions",
    api_keys: "all API keys",
    factors: "all second factors",
    identities: "all accounts at other providers",
  },
  greeting: (name) => `Hello ${name},`,
  time: (at) => `Time: ${at}`,
  closing: (appName) => `This email is about an account at ${appName}.`,
};
