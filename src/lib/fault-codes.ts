/** Every code of an entry in `errors` of a 422 response, and what it means. /docs/errors lists them. */
export const FAULT_CODES = {
  required: "The field, or the whole body, is missing.",
  unknown_field: "The operation has no field or parameter of this name.",
  read_only: "The field cannot be changed with this operation.",
  invalid_type: "The value has the wrong JSON type.",
  invalid_value: "The value is not one of those that are allowed.",
  invalid_format: "The text is not in the required format.",
  invalid_characters: "The text contains control, invisible or malformed characters.",
  too_short: "The text is too short.",
  too_long: "The text, or the value as JSON, is too long.",
  too_small: "The number is too small, or the list has too few elements.",
  too_big: "The number is too big, or the list has too many elements.",
  username_or_email: "Exactly one of `username` and `email` is required.",
  unknown_role: "There is no role with this name.",
  reused: "The Idempotency-Key was used for another request.",
  reserved: "The name is reserved for permissions of Roster itself.",
  not_in_future: "The time is not in the future.",
  invalid_cursor: "The cursor was changed, or belongs to another list.",
  unsupported_combination: "The parameter cannot be combined with another one.",
  too_common: "The password is one of the most common ones.",
  contains_username: "The password contains the username.",
  contains_email: "The password contains the part of the email address before the @.",
  breached: "The password is known from a data breach.",
  unchanged: "The password is the one that has expired.",
} as const;

export type FaultCode = keyof typeof FAULT_CODES;
