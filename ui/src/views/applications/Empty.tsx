import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { meQuery } from "../../api/queries";
import { Button, Copyable } from "../../design/parts";
import { t } from "../../i18n";

/** ToNew leads to the form of a new application. */
export function ToNew() {
  const navigate = useNavigate();
  const me = useQuery(meQuery).data;
  return (
    <Button look="main" icon={<Plus size={16} aria-hidden />} why={me?.may.createApplication.length === 0 ? t("denied", { right: "create" }) : undefined} onPress={() => void navigate({ to: "/new" })}>
      {t("nav.new")}
    </Button>
  );
}

/** Empty is what is seen before there is an application: what one is, and how to make the first. */
export function Empty({ button }: { button?: boolean }) {
  return (
    <section className="card empty">
      <h2>{t("apps.none.title")}</h2>
      <p>{t("apps.none.text")}</p>
      {button && <ToNew />}
      <Copyable text="cyan app create NAME --repo URL --path FOLDER --dest-namespace NAMESPACE --dest-server https://kubernetes.default.svc --sync-policy automated" />
    </section>
  );
}
