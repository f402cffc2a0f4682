// The pictures of the guide, each by its name in docs/img: what is looked at, and what has to be there before. What they
// show happens meanwhile, so that each is taken in its turn.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, page, ready, visit } from "./browser.mjs";

const { RENEW: folder, HOOKS, PASSWORD, SHOP, STOREFRONT } = process.env;
const patience = 120_000;
const ja = { language: "ja-JP" };
const light = { theme: "light" };
after(close);

const dialog = (name) => async (tab) => {
  await tab.getByRole("button", { name }).first().click();
  await tab.getByRole("dialog").waitFor();
};
const row = (what) => (tab) => tab.getByRole("row", { name: what }).first().waitFor();
const lane = (tab, side, ...roles) => tab.locator(roles.map((role) => `.lane[data-side="${side}"][data-role="${role}"]`).join(", "));

/** waits is when the new version is whole, and somebody has to promote it. */
const waits = async (tab) => {
  await lane(tab, "blue", "active").waitFor();
  await lane(tab, "green", "preview").locator('.square[data-state="ready"]').nth(2).waitFor();
  await tab.locator('.next [data-action="promote"] .button:not([data-off])').waitFor();
};
/** promoted promotes it, and waits until it has the traffic. */
const promoted = async (tab) => {
  await waits(tab);
  await tab.locator('.next [data-action="promote"] .button').click();
  await switched(tab);
};
const switched = async (tab) => {
  await lane(tab, "green", "active", "both").waitFor();
  await lane(tab, "blue", "old").locator(".lane-until").waitFor();
};
/** delivered has a commit come along, and waits until its version is there to be looked at. */
const delivered = async (tab) => {
  const answer = await fetch(`${HOOKS}/deliver`, { method: "POST" });
  assert.ok(answer.ok, await answer.text());
  await underway(tab);
};
const underway = (tab) => tab.locator("main section", { has: tab.getByRole("heading", { name: "On its way" }) }).locator("article", { hasText: "Keep the count when redis moves" }).locator('[data-state="running"], [data-state="waiting"][data-here]', { hasText: "Preview" }).first().waitFor();
/** waiting opens the delivery of an application that waits for somebody. */
const waiting = (application) => async (tab) => {
  const id = await tab.evaluate(async (name) => (await (await fetch(`/api/v1/view/deliveries?application=${name}`)).json()).items.find((d) => d.state === "Waiting").id, application);
  await ready(tab, `/deliveries/argocd/${application}/${id}`);
};
const previewed = async (tab) => {
  await tab.getByText("preview", { exact: true }).first().waitFor();
  await tab.getByText("active", { exact: true }).first().waitFor();
};
/** branches opens the list of what the repository has. */
const branches = (field) => async (tab) => {
  await tab.locator("input[data-path='spec.source.targetRevision']").waitFor();
  await tab.locator(".preview details.object").nth(2).waitFor();
  await tab.getByRole("combobox", { name: field, exact: true }).fill("");
  await tab.getByRole("option", { name: /gift-wrapping/ }).waitFor();
};
const node = (app, id, tab) => `/applications/argocd/${app}?node=${encodeURIComponent(id)}&tab=${tab}`;
const gifts = encodeURIComponent(JSON.stringify({ metadata: { name: "gift-cards" }, spec: { project: "shop", source: { repoURL: SHOP, path: "apps/gift-cards/overlays/production" }, destination: { namespace: "shop" }, syncPolicy: { automated: { prune: true, selfHeal: true } } } }));

let storage;
it("login", () =>
  visit({ theme: "dark", width: 1280, height: 640, allowed: [/401/] }, async (tab, context) => {
    tab.setDefaultTimeout(patience);
    await tab.goto(`${page}/`);
    await tab.getByLabel("Password", { exact: true }).waitFor();
    await take(tab, "login");
    await tab.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await tab.getByRole("button", { name: "Log in", exact: true }).click();
    await tab.getByRole("button", { name: "Account: admin" }).waitFor();
    storage = await context.storageState();
  }));

const card = (tab) => tab.locator("main .card").first().waitFor();
const section = { ...light, height: 640 };

const pictures = {
  // What somebody has to decide about waits for as long as it takes.
  "rollout-waits": ["/rollouts/shop/checkout", waits],
  "rollout-waits-light": ["/rollouts/shop/checkout", waits, light],
  "rollout-waits-ja": ["/rollouts/shop/checkout", waits, ja],
  "phone-ja": ["/rollouts/shop/checkout", waits, { ...ja, width: 390, height: 844, scale: 1.5 }],
  delivery: ["/deliveries", waiting("checkout")],
  network: ["/applications/argocd/checkout?view=network", (tab) => tab.locator(".canvas .node-card").nth(4).waitFor(), { height: 660 }],
  rollouts: ["/rollouts?sort=phase", undefined, { height: 640 }],
  logs: [node("storefront", `/Pod/shop/${STOREFRONT}`, "logs"), (tab) => tab.locator(".log-lines > *").nth(60).waitFor()],
  diff: [node("accounts", "apps/Deployment/platform/accounts", "diff"), (tab) => tab.locator(".tab-panel > :not(.waiting)").first().waitFor(), { height: 700 }],
  sync: ["/applications/argocd/catalog", dialog(/^Sync…/), { height: 760 }],
  history: ["/applications/argocd/request-counter", dialog("History"), { ...light, width: 1080, height: 620 }],
  "new-application": [`/new?new=${gifts}`, branches("Revision"), light],
  "new-application-ja": [`/new?new=${gifts}`, branches("リビジョン"), { ...ja, ...light }],
  settings: ["/settings/repositories", (tab) => tab.getByText("Connected").nth(1).waitFor(), { ...light, height: 480 }],
  roles: ["/settings/roles?subject=role:readonly", card, { ...light, height: 720 }],
  "settings-clusters": ["/settings/clusters", card, section],
  "settings-projects": ["/settings/projects", card, section],
  "settings-windows": ["/settings/windows", card, section],
  "settings-accounts": ["/settings/accounts", card, section],
  "settings-account": ["/settings/account", card, section],
  "settings-config": ["/settings/config", card, section],
  "settings-about": ["/settings/about", card, section],
  // A commit comes along.
  overview: ["/", delivered],
  applications: ["/applications", undefined, { height: 770 }],
  "applications-table": ["/applications?view=table&sort=health", row(/request-counter/), { ...light, height: 720 }],
  application: ["/applications/argocd/request-counter", previewed],
  "application-ja": ["/applications/argocd/request-counter", (tab) => tab.locator('[aria-level="3"]').nth(2).waitFor(), { ...ja, ...light }],
  deliveries: ["/deliveries", (tab) => tab.locator("main [data-state=running], main [data-state=waiting]").first().waitFor()],
  // The switch, as somebody promotes it.
  "rollout-switched": ["/rollouts/shop/checkout", promoted],
  "rollout-switched-ja": ["/rollouts/shop/checkout", switched, ja],
};

async function take(tab, name) {
  await tab.evaluate(() => document.fonts.ready);
  await tab.mouse.move(0, 0);
  await tab.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
}

for (const [name, [path, until, look]] of Object.entries(pictures)) {
  it(name, () =>
    visit({ theme: "dark", storage, ...look }, async (tab) => {
      tab.setDefaultTimeout(patience);
      await ready(tab, path);
      await until?.(tab);
      await take(tab, name);
    }));
}
