import { useEffect } from "react";
import { t } from "../i18n";
import { announce } from "./Frame";

let at: string | undefined;

/** useTitle names the view in the tab of the browser, and has it read out where another view was before. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = t("page.document", { title });
    // A browser reads out the title of a page that it loads, and none of what follows on it.
    if (at !== undefined && at !== location.pathname) announce(title, "title");
    at = location.pathname;
  }, [title]);
}
