/**
 * The script of the page /docs. Beside starting Swagger UI:
 * - it removes the password from what Swagger UI stores for a reload, which is the whole form of "Authorize";
 * - it takes over the token of a sign-in that is tried out, because that sign-in replaces the session of "Authorize".
 */
export const swaggerStart = `"use strict";
const withoutPassword = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        persistAuthorizationIfNeeded: (persist) => () => {
          persist();
          const authorized = JSON.parse(localStorage.getItem("authorized") ?? "{}");
          for (const each of Object.values(authorized)) delete each.password;
          localStorage.setItem("authorized", JSON.stringify(authorized));
        },
      },
    },
  },
});

const ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  plugins: [withoutPassword],
  responseInterceptor: (response) => {
    const auth = ui.authSelectors.authorized().toJS().passwordFlow;
    const token = response.body;
    if (auth !== undefined && token?.access_token !== undefined)
      ui.authActions.authorizeOauth2WithPersistOption({ auth, token });
    return response;
  },
});
`;
