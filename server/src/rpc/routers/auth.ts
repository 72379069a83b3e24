import { loginInput, message, registerInput, token, user } from "@taskwire/shared";
import * as auth from "../../services/auth.ts";
import { cookieProcedure, limited, protectedProcedure, router } from "../trpc.ts";

const tag = "Authentication";

export const authRouter = router({
  register: limited("register")
    .meta({
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
        success: "A new access token",
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
        success: "Signed out, also where nobody was signed in; the cookie is cleared",
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
});
