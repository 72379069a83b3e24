import { defineConfig } from "vite";

const backend = "http://127.0.0.1:8000";

export default defineConfig({
  server: {
    proxy: {
      "/trpc": backend,
      "/api": backend,
      // The same below a path prefix: the cookie's path must have it too.
      "/backend": {
        target: backend,
        rewrite: (path) => path.replace("/backend", ""),
        cookiePathRewrite: {
          "/trpc": "/backend/trpc",
          "/api/v1/auth": "/backend/api/v1/auth",
        },
      },
    },
  },
});
