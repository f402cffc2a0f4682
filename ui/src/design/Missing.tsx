import { Link as To } from "@tanstack/react-router";
import { Lock, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { Refusal } from "../api/refusal";
import { t } from "../i18n";
import { Button, Failure } from "./parts";

const lists = { "/applications": "notfound.apps", "/rollouts": "notfound.rollouts", "/deliveries": "notfound.deliveries" } as const;

/** Missing stands where a view would be whose object is absent, refused, or not answered for: why, and the way back to its list. */
export function Missing({ error, again, list }: { error: unknown; again: () => void; list: keyof typeof lists }) {
  const status = error instanceof Refusal ? error.status : undefined;
  const way = <To to={list} className="button">{t(lists[list])}</To>;
  if (status === 404 || status === 403) {
    return (
      <Absent refused={status === 403} why={(error as Refusal).message === "permission denied" ? t("forbidden.text") : <Failure error={error} />}>
        {way}
        <Button look="quiet" onPress={again}>{t("error.again")}</Button>
      </Absent>
    );
  }
  return (
    <div className="problem" role="alert">
      <h1>{t("error.title")}</h1>
      <p className="name">
        <Failure error={error} />
      </p>
      <div className="actions">
        <Button onPress={again}>{t("error.again")}</Button>
        {way}
      </div>
    </div>
  );
}

/** Absent stands where there is nothing to show, or nothing that may be shown, and nothing failed; what leads on is below it. */
export function Absent({ refused = false, level: Heading = "h1", why, children }: { refused?: boolean; level?: "h1" | "h2"; why: ReactNode; children: ReactNode }) {
  const Icon = refused ? Lock : SearchX;
  return (
    <div className="card absent" role="alert">
      <Icon size={28} aria-hidden />
      <Heading>{t(refused ? "forbidden.title" : "notfound.title")}</Heading>
      <p className="name muted">{why}</p>
      <div className="actions">{children}</div>
    </div>
  );
}
