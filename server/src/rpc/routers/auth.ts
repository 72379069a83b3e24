import {
  loginInput,
  message,
  nothing,
  passwordChange,
  passwordConfirmation,
  registerInput,
  sessionId,
  sessionList,
  token,
  user,
} from "@taskwire/shared";
import * as account from "../../services/auth/account.ts";
import * as password from "../../services/auth/password.ts";
import * as rotation from "../../services/auth/rotation.ts";
import * as session from "../../services/auth/session.ts";
import {
  cookieProcedure,
  limited,
  passwordProcedure,
  protectedProcedure,
  router,
} from "../trpc.ts";

export const authRouter = router({
  register: limited("register")
    .meta({
      hashes: "other",
      rest: {
        route: "POST /auth/register",
        operationId: "registerUser",
        summary: "Create an account",
        description: "The address must be unused. Sign in afterwards: this call returns no token.",
        responses: { 201: "Account created" },
      },
      throws: ["EMAIL_ALREADY_EXISTS"],
    })
    .input(registerInput)
    .output(user)
    .mutation(({ ctx, input }) => account.register(ctx, input)),

  login: limited("login")
    .meta({
      hashes: "signIn",
      rest: {
        route: "POST /auth/login",
        operationId: "loginUser",
        summary: "Sign in",
        description: "Starts a session. Send the access token as `Authorization: Bearer`.",
        responses: { 200: "Signed in; the refresh token is in the cookie only" },
        form: true,
        fieldNames: { email: "username" },
        headers: ["Set-Cookie"],
      },
      throws: ["INVALID_CREDENTIALS"],
    })
    .input(loginInput)
    .output(token)
    .mutation(({ ctx, input }) => account.login(ctx, input)),

  refresh: cookieProcedure
    .meta({
      auth: "refresh",
      limit: "refresh",
      rest: {
        route: "POST /auth/refresh",
        operationId: "refreshToken",
        summary: "Renew the access token",
        description: "Needs the cookie of the session, which a browser sends by itself.",
        responses: { 200: "A new access token, and the refresh token's successor in the cookie" },
        headers: ["Set-Cookie"],
      },
    })
    .output(token)
    .mutation(({ ctx }) => rotation.refresh(ctx)),

  logout: cookieProcedure
    .meta({
      rest: {
        route: "POST /auth/logout",
        operationId: "logoutUser",
        summary: "Sign out",
        description: "Revokes the session of the cookie, and its access tokens with it.",
        responses: {
          200: "Signed out, also without a session; the session is revoked and the cookie is cleared",
        },
        headers: ["Set-Cookie"],
      },
    })
    .output(message)
    .mutation(({ ctx }) => account.logout(ctx)),

  me: protectedProcedure
    .meta({
      rest: {
        route: "GET /auth/me",
        operationId: "getCurrentUser",
        summary: "Show the signed-in user",
        description: "Returns the account of the access token.",
        responses: { 200: "The signed-in user" },
      },
    })
    .output(user)
    .query(({ ctx }) => account.me(ctx)),

  listSessions: protectedProcedure
    .meta({
      rest: {
        route: "GET /auth/sessions",
        operationId: "listSessions",
        summary: "List the sessions",
        description: "Each sign-in is a session. The one of this call is marked.",
        responses: { 200: "The user's sessions, the last used first, at most 100" },
      },
    })
    .output(sessionList)
    .query(({ ctx }) => session.listSessions(ctx)),

  revokeSession: protectedProcedure
    .meta({
      rest: {
        route: "DELETE /auth/sessions/{session_id}",
        operationId: "revokeSession",
        summary: "Revoke a session",
        description: "Its access tokens are rejected from then on. An unknown id changes nothing.",
        responses: { 204: "Revoked, or there was no such session" },
      },
    })
    .input(sessionId)
    .output(nothing)
    .mutation(({ ctx, input }) => session.revokeSession(ctx, input)),

  revokeOtherSessions: protectedProcedure
    .meta({
      rest: {
        route: "DELETE /auth/sessions",
        operationId: "revokeOtherSessions",
        summary: "Revoke all other sessions",
        description: "Signs out all other devices of the user.",
        responses: { 204: "All sessions revoked except the one that makes the call" },
      },
    })
    .output(nothing)
    .mutation(({ ctx }) => session.revokeOtherSessions(ctx)),

  changePassword: passwordProcedure
    .meta({
      hashes: "other",
      rest: {
        route: "POST /auth/change-password",
        operationId: "changePassword",
        summary: "Change the password",
        description: "Needs the current password. Signs out all other devices.",
        responses: { 204: "Changed; all sessions revoked except the one that makes the call" },
      },
      throws: ["INVALID_CREDENTIALS"],
    })
    .input(passwordChange)
    .output(nothing)
    .mutation(({ ctx, input }) => password.changePassword(ctx, input)),

  deleteAccount: passwordProcedure
    .meta({
      hashes: "other",
      rest: {
        route: "POST /auth/delete-account",
        operationId: "deleteAccount",
        summary: "Delete the account",
        description: "Needs the password, and cannot be undone.",
        responses: { 204: "Deleted, with all of the user's data" },
      },
      throws: ["INVALID_CREDENTIALS"],
    })
    .input(passwordConfirmation)
    .output(nothing)
    .mutation(({ ctx, input }) => account.deleteAccount(ctx, input)),
});
