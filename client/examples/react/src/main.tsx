import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { BackendProvider, createBackend } from "./backend.tsx";

const backend = createBackend({ url: import.meta.env.VITE_API_URL ?? "http://localhost:8000" });

const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <BackendProvider backend={backend}>
        <App />
      </BackendProvider>
    </StrictMode>,
  );
}
