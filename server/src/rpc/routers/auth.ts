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
import * as auth from "../../services/auth/account.ts";
import * as password from "../../services/auth/password.ts";
import * as session from "../../services/auth/session.ts";
import { cookieProcedure, limited, protectedProcedure, router } from "../trpc.ts";

const tag = "Authentication";

export const authRouter = router({
  register: limited("register")
    .meta({
      hashes: true,
      rest: {
        method: "POST",
        path: "/auth/register",
        status: 201,
        success: "Account created",
        body: "json",
        operationId: "registerUser",
        summary: "Create an account",
        tag,
      },
      throws: ["EMAIL_ALREADY_EXISTS"],
    })
    .input(registerInput)
    .output(user)
    .mutation(({ ctx, input }) => auth.register(ctx, input)),

  login: limited("login")
    .meta({
      hashes: true,
      rest: {
        method: "POST",
        path: "/auth/login",
        status: 200,
        success: "Signed in; the refresh token travels in the cookie only",
        body: "form",
        fields: { email: "username" },
        headers: ["Set-Cookie"],
        operationId: "loginUser",
        summary: "Sign in",
        tag,
      },
      throws: ["INVALID_CREDENTIALS"],
    })
    .input(loginInput)
    .output(token)
    .mutation(({ ctx, input }) => auth.login(ctx, input)),

  refresh: limited("refresh")
    .meta({
      auth: "refresh",
      rest: {
        method: "POST",
        path: "/auth/refresh",
        status: 200,
        success: "A new access token, and the refresh token's successor in the cookie",
        headers: ["Set-Cookie"],
        operationId: "refreshToken",
        summary: "Renew the access token",
        tag,
      },
    })
    .output(token)
    .mutation(({ ctx }) => auth.refresh(ctx)),

  logout: cookieProcedure
    .meta({
      rest: {
        method: "POST",
        path: "/auth/logout",
        status: 200,
        success:
          "Signed out, also where nobody was signed in; the session ends and the cookie is cleared",
        headers: ["Set-Cookie"],
        operationId: "logoutUser",
        summary: "Sign out",
        tag,
      },
    })
    .output(message)
    .mutation(({ ctx }) => auth.logout(ctx)),

  me: protectedProcedure
    .meta({
      rest: {
        method: "GET",
        path: "/auth/me",
        status: 200,
        success: "The signed-in user",
        operationId: "getCurrentUser",
        summary: "Show the signed-in user",
        tag,
      },
    })
    .output(user)
    .query(({ ctx }) => auth.me(ctx)),

  listSessions: protectedProcedure
    .meta({
      rest: {
        method: "GET",
        path: "/auth/sessions",
        status: 200,
        success: "The user's sessions, the last used first, at most 100",
        operationId: "listSessions",
        summary: "List the sessions",
        tag,
      },
    })
    .output(sessionList)
    .query(({ ctx }) => session.listSessions(ctx)),

  revokeSession: protectedProcedure
    .meta({
      rest: {
        method: "DELETE",
        path: "/auth/sessions/{session_id}",
        status: 204,
        success: "Ended, also where there was none",
        operationId: "revokeSession",
        summary: "End a session",
        tag,
      },
    })
    .input(sessionId)
    .output(nothing)
    .mutation(({ ctx, input }) => session.revokeSession(ctx, input)),

  revokeOtherSessions: protectedProcedure
    .meta({
      rest: {
        method: "DELETE",
        path: "/auth/sessions",
        status: 204,
        success: "All sessions ended but the one that asked",
        operationId: "revokeOtherSessions",
        summary: "End all other sessions",
        tag,
      },
    })
    .output(nothing)
    .mutation(({ ctx }) => session.revokeOtherSessions(ctx)),

  changePassword: protectedProcedure
    .meta({
      hashes: true,
      rest: {
        method: "POST",
        path: "/auth/change-password",
        status: 204,
        success: "Changed; all sessions ended but the one that asked",
        body: "json",
        operationId: "changePassword",
        summary: "Change the password",
        tag,
      },
      throws: ["INVALID_CREDENTIALS", "RATE_LIMIT_EXCEEDED"],
    })
    .input(passwordChange)
    .output(nothing)
    .mutation(({ ctx, input }) => password.changePassword(ctx, input)),

  deleteAccount: protectedProcedure
    .meta({
      hashes: true,
      rest: {
        method: "POST",
        path: "/auth/delete-account",
        status: 204,
        success: "Deleted, with all that was the user's",
        body: "json",
        operationId: "deleteAccount",
        summary: "Delete the account",
        tag,
      },
      throws: ["INVALID_CREDENTIALS", "RATE_LIMIT_EXCEEDED"],
    })
    .input(passwordConfirmation)
    .output(nothing)
    .mutation(({ ctx, input }) => auth.deleteAccount(ctx, input)),
});
