// The demo's story as the page tells it, from the password that it prints to the version that is left.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, page, ready, visit } from "./browser.mjs";

const { PASSWORD, HOOKS, PICTURES } = process.env;
after(close);

const told = async (path) => {
  const answer = await fetch(HOOKS + path, { method: "POST" });
  assert.ok(answer.ok, await answer.text());
};
const keep = async (tab, name) => PICTURES && (await tab.screenshot({ path: `${PICTURES}/demo-${name}.png` }));

/** keepRoles has a tab keep each role that a lane has from now on; roles returns them. */
const keepRoles = (tab) =>
  tab.evaluate(() => {
    window.roles = new Set();
    const look = () => document.querySelectorAll(".lane").forEach((lane) => window.roles.add(lane.dataset.role));
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
  });
const roles = (tab) => tab.evaluate(() => [...window.roles]);

it("who logs in with what the demo prints watches a commit from its delivery to the version that is left", () =>
  visit({}, async (overview, context) => {
    context.setDefaultTimeout(300_000);
    await overview.goto(page);
    await overview.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await overview.getByRole("button", { name: "Log in", exact: true }).click();
    await overview.getByRole("button", { name: "Account: admin" }).waitFor();
    await told("/told");
    const rollout = await context.newPage();
    await ready(rollout, "/rollouts/default/app");
    const active = rollout.locator('.service[data-role="active"][data-side]');
    const side = await active.getAttribute("data-side");
    await keepRoles(rollout);
    await overview.bringToFront();
    await told("/push");
    // The delivery is on its way in the overview.
    const way = overview.locator("main section", { has: overview.getByRole("heading", { name: "On its way" }) });
    await way.getByText("Answer as version 40").waitFor();
    await way.getByText("Ada").waitFor();
    await keep(overview, "overview");
    // The new version comes up beside the one that has the traffic, and gets it.
    await rollout.bringToFront();
    await rollout.locator('.lane[data-role="preview"]').waitFor();
    await keep(rollout, "preview");
    await rollout.locator(`.service[data-role="active"][data-side]:not([data-side="${side}"])`).waitFor();
    await keep(rollout, "switched");
    await rollout.locator(`.side[data-side="${side}"] .lane`).waitFor({ state: "detached" });
    for (const role of ["preview", "old"]) assert.ok((await roles(rollout)).includes(role), (await roles(rollout)).join());
    await keep(rollout, "left");
    // What there was of it is said afterwards, stage by stage.
    await overview.bringToFront();
    await ready(overview, "/deliveries");
    const line = overview.locator("main li", { hasText: "Answer as version 40" });
    await line.getByText("from commit to traffic").waitFor();
    await line.getByRole("link").first().click();
    await overview.getByText("Where the time went").waitFor();
    await keep(overview, "delivery");
    assert.equal(await overview.locator('main [data-state="failed"]').count(), 0);
    // And the objects, with the log of a pod that answers.
    await ready(overview, "/applications/argocd/request-counter");
    const pods = overview.getByRole("treegrid", { name: "Objects" }).locator('[role="row"][aria-level="3"]', { hasText: /Pod\s*app-/ });
    await pods.first().click();
    await keep(overview, "objects");
  }));
