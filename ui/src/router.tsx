import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link as To } from "@tanstack/react-router";
import { base } from "./api/client";
import { Absent } from "./design/Missing";
import { Problem, Waiting } from "./design/parts";
import { t } from "./i18n";
import { Frame } from "./shell/Frame";
import { parseSearch, type Search, stringifySearch } from "./shell/search";

const any = (search: Record<string, unknown>) => search as Search;

const root = createRootRoute({
  component: Frame,
  notFoundComponent: () => (
    <Absent why={t("notfound.text", { path: location.pathname })}>
      <To to="/" className="button">
        {t("notfound.back")}
      </To>
    </Absent>
  ),
});
const at = <P extends string>(path: P, component: Parameters<typeof lazyRouteComponent>[0]) => createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(component), validateSearch: any });

const routes = [
  at("/", () => import("./views/overview/Overview")),
  at("/login", () => import("./views/overview/Overview")),
  at("/applications", () => import("./views/applications/Applications")),
  at("/applications/$name", () => import("./views/application/Named")),
  at("/applications/$namespace/$name/edit", () => import("./views/create/Edit")),
  at("/applications/$namespace/$name", () => import("./views/application/Application")),
  at("/rollouts", () => import("./views/rollout/Rollouts")),
  at("/rollouts/$namespace/$name", () => import("./views/rollout/Rollout")),
  at("/deliveries", () => import("./views/delivery/Deliveries")),
  at("/deliveries/$namespace/$application/$id", () => import("./views/delivery/Delivery")),
  at("/new", () => import("./views/create/Create")),
  at("/user-info", () => import("./views/settings/Settings")),
  at("/settings", () => import("./views/settings/Settings")),
  at("/settings/$section", () => import("./views/settings/Settings")),
];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: base.pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultPendingComponent: Waiting,
  defaultErrorComponent: ({ error, reset }) => <Problem error={error} again={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
