import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/queries";
import "./design/tokens.css";
import "./design/base.css";
import "./design/status.css";
import "./design/print.css";
import { language, setLanguage } from "./i18n";
import { router } from "./router";

// A tab that was open while the program was replaced asks for files that there are no longer: it is loaded anew, once.
addEventListener("vite:preloadError", (event) => {
  if (sessionStorage.getItem("cyan.reloaded")) return;
  sessionStorage.setItem("cyan.reloaded", "1");
  event.preventDefault();
  location.reload();
});

const root = document.getElementById("root")!;

function begin() {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

// Nothing is seen before there are words for it: no English on its way to Japanese.
setLanguage(language())
  .catch(() => setLanguage(language() === "ja" ? "en" : "ja"))
  .then(begin, () => root.append("The page is not complete; load it again. ページを読み込めませんでした。再読み込みしてください。"));
