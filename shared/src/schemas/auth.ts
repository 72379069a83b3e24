import { z } from "zod";
import { atMost, codePoints, rule, text } from "./common.ts";

// RFC 5322 §3.2.3 dot-atom before the @; RFC 1035 §2.3.1 labels after it, at least two, the last not all digits.
const address =
  /^(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 5321 §4.5.3.1.3, without the angle brackets. */
const maxEmailLength = 254;
const maxPasswordLength = 1024;
const maxNameLength = 255;

/** The account of the examples, so that each example works with the account that another one creates. */
const example = { email: "ada@example.com", password: "correct horse battery", name: "Ada" };

// ASCII only: String.toLowerCase turns U+212A (the Kelvin sign) into k, and so one address into another.
const lowerCase = (value: string): string =>
  value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const emailAddress = text().trim().overwrite(lowerCase);

const password = text()
  .refine(...atMost(maxPasswordLength))
  .meta({ format: "password" });

const newPassword = password
  .refine((value) => codePoints(value) >= 8, rule("PASSWORD_TOO_SHORT"))
  .meta({ format: "password", minLength: 8 });

export const registerInput = z
  .object({
    email: emailAddress
      .refine(
        (value) => value.length <= maxEmailLength && address.test(value),
        rule("INVALID_EMAIL"),
      )
      .meta({ format: "email" }),
    password: newPassword,
    name: text()
      .trim()
      .refine(...atMost(maxNameLength))
      .meta({ maxLength: maxNameLength })
      .nullish(),
  })
  .meta({ id: "RegisterRequest", examples: [example] });

// No account has a longer address, so the rest of one does not matter, and does not reach the database.
const cutAddress = (value: string): string => value.slice(0, maxEmailLength + 1).toWellFormed();

/** Sign-in does not check the format of the address (CONTRACT.md, "Sign-in"): a malformed one is a wrong credential. */
export const loginInput = z.object({
  email: emailAddress.overwrite(cutAddress).meta({
    description: "The e-mail address; OAuth2 calls it username",
    examples: [example.email],
  }),
  password: password.meta({ format: "password", examples: [example.password] }),
});

export const passwordChange = z
  .object({ current_password: password, new_password: newPassword })
  .meta({
    id: "PasswordChange",
    // The same password twice: the examples of sign-in and deletion stay valid after this one.
    examples: [{ current_password: example.password, new_password: example.password }],
  });

/** For actions that cannot be undone, so that an access token alone is not enough. */
export const passwordConfirmation = z
  .object({ password })
  .meta({ id: "PasswordConfirmation", examples: [{ password: example.password }] });

export const user = z
  .object({
    id: z.string().meta({ format: "uuid" }),
    email: z.string().meta({ format: "email" }),
    name: z.string().nullable(),
    created_at: z.string().meta({ format: "date-time" }),
  })
  .meta({ id: "User" });

export const token = z
  .object({
    access_token: z.string(),
    token_type: z.literal("bearer"),
  })
  .meta({ id: "Token" });

export const message = z.object({ message: z.string() }).meta({ id: "Message" });
