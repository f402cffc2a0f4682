// The pictures of the guide, each by its name in docs/img: what is looked at, and what has to be there before.
import { after, it } from "node:test";
import { close, page, ready, visit } from "./browser.mjs";

const folder = process.env.RENEW;
after(close);

const button = (name) => async (tab) => {
  await tab.getByRole("button", { name }).first().click();
  await tab.getByRole("dialog").waitFor();
};
const deployed = async (tab) => {
  await button("History")(tab);
  await tab.locator(".history li").first().getByText(" ago").waitFor();
};
const node = (id, tab) => `/applications/argocd/web-gate-7?node=${encodeURIComponent(id)}&tab=${tab}`;
const shop = encodeURIComponent(JSON.stringify({ metadata: { name: "shop" }, spec: { project: "shop", source: { repoURL: "https://git.example/shop/deploy.git", path: "apps/shop/overlays/production" }, destination: { namespace: "shop" }, syncPolicy: { automated: { prune: true }, retry: { limit: 5 } } } }));

/** waits is when the new version is there and somebody has to promote it; switched, when the pods of the one before go. */
const waits = async (tab) => {
  await tab.locator('.lane[data-role="active"]', { hasText: /Blue|ブルー/ }).waitFor();
  await tab.locator('.next [data-action="promote"] .button:not([data-off])').waitFor();
};
const switched = async (tab) => {
  await waits(tab);
  await tab.locator(".lane", { hasText: "Green" }).and(tab.locator('[data-role="active"], [data-role="both"]')).waitFor();
};
/** waiting opens the delivery that waits for somebody, once there is one. */
const waiting = async (tab) => {
  await tab.locator('.next [data-action="promote"] .button:not([data-off])').waitFor();
  const id = await tab.evaluate(async () => (await (await fetch("api/v1/view/deliveries?application=request-counter")).json()).items.find((d) => d.state === "Waiting").id);
  await ready(tab, `/deliveries/argocd/request-counter/${id}`);
};
const underway = (tab) => tab.locator("main section", { has: tab.getByRole("heading", { name: "On its way" }) }).locator('[data-state="running"], [data-state="waiting"][data-here]', { hasText: "Preview" }).first().waitFor();
const logged = async (tab) => {
  await tab.evaluate(() => fetch("api/v1/session", { method: "DELETE", headers: { "Content-Type": "application/json" } }));
  await tab.goto(`${page}/`);
  await tab.getByLabel("Password", { exact: true }).waitFor();
};

const pictures = {
  overview: ["/", underway],
  applications: ["/applications"],
  "applications-table": ["/applications?view=table&sort=health"],
  application: ["/applications/argocd/request-counter", (tab) => tab.getByText("preview", { exact: true }).waitFor()],
  network: ["/applications/argocd/request-counter?view=network", (tab) => tab.locator(".canvas .node-card").nth(4).waitFor()],
  logs: [node("/Pod/team-7/web-gate-7-6f8-0", "logs"), (tab) => tab.locator(".log-lines > *").nth(5).waitFor()],
  diff: [node("apps/Deployment/team-7/web-gate-7", "diff"), (tab) => tab.locator(".tab-panel > :not(.waiting)").first().waitFor()],
  "new-application": [`/new?new=${shop}`],
  sync: ["/applications/argocd/web-cache-14", button(/^Sync…/)],
  history: ["/applications/argocd/request-counter", deployed, { width: 1080, height: 700 }],
  "rollout-waits": ["/rollouts/demo/request-counter", waits],
  "rollout-switched": ["/rollouts/demo/request-counter", switched],
  rollouts: ["/rollouts?sort=phase"],
  delivery: ["/rollouts/demo/request-counter", waiting],
  deliveries: ["/deliveries", (tab) => tab.locator("main [data-state=running], main [data-state=waiting]").first().waitFor()],
  settings: ["/settings/repositories"],
  "phone-ja": ["/rollouts/demo/request-counter", waits, { language: "ja-JP", width: 390, height: 844, scale: 1.5 }],
  // The last one: it ends the session.
  login: ["/", logged, { width: 1280, height: 700 }],
};

for (const [name, [path, until, look]] of Object.entries(pictures)) {
  it(name, () =>
    visit({ theme: "dark", ...look }, async (tab) => {
      tab.setDefaultTimeout(120_000);
      await ready(tab, path);
      await until?.(tab);
      await tab.evaluate(() => document.fonts.ready);
      await tab.mouse.move(0, 0);
      await tab.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
    }));
}
