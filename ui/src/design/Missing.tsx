import { Link as To } from "@tanstack/react-router";
import { Refusal } from "../api/refusal";
import { t } from "../i18n";
import { Button, Failure } from "./parts";

const lists = { "/applications": "notfound.apps", "/rollouts": "notfound.rollouts", "/deliveries": "notfound.deliveries" } as const;

/** Missing stands where a view would be whose object is absent, refused, or not answered for: why, and the way back to its list. */
export function Missing({ error, again, list }: { error: unknown; again: () => void; list: keyof typeof lists }) {
  const status = error instanceof Refusal ? error.status : undefined;
  const title = status === 404 ? "notfound.title" : status === 403 ? "forbidden.title" : "error.title";
  return (
    <div className="problem" role="alert">
      <h1>{t(title)}</h1>
      <p className="name">
        <Failure error={error} />
      </p>
      <Button onPress={again}>{t("error.again")}</Button>
      <To to={list}>{t(lists[list])}</To>
    </div>
  );
}
