import { useEffect } from "react";
import { t } from "../i18n";

/** useTitle names the view in the tab of the browser. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = t("page.document", { title });
  }, [title]);
}
