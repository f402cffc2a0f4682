// The page with the real program behind it: what is seen and pressed here happens to a Rollout on a real API server.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { axe, close, overflow, page, ready, visit } from "./browser.mjs";

const { HOOKS, CONTROL, SHOP, BANK, MADE, REPO, PASSWORD, VIEWER, SIMULATED } = process.env;
const patience = 60_000;
after(close);

/** hook has something happen beside the page, and returns what came of it. */
async function hook(method, path) {
  const answer = await fetch(HOOKS + path, { method });
  const text = await answer.text();
  assert.ok(answer.ok, text);
  return text;
}

/** storage is the session of admin, after the first step. */
let storage;
/** stopped is set when a step has failed: those after it begin where it ends. */
let stopped = false;

/** step opens the page as somebody who waits as long as a busy machine needs. */
const step = (name, options, test) =>
  it(name, async (t) => {
    if (stopped) return t.skip("a step before has failed");
    if (options.pods && SIMULATED) return t.skip(SIMULATED);
    stopped = true;
    await visit({ storage, ...options }, (tab, context) => {
      tab.setDefaultTimeout(patience);
      return test(tab, context);
    });
    stopped = false;
  });

async function login(tab, account, password) {
  await tab.getByLabel("Account", { exact: true }).fill(account);
  await tab.getByLabel("Password", { exact: true }).fill(password);
  await tab.getByRole("button", { name: "Log in", exact: true }).click();
}

const app = (name) => `/applications/${CONTROL}/${name}`;
const service = (tab, role) => tab.locator(`.service[data-role="${role}"]`);
const lane = (tab, role) => tab.locator(`.lane[data-role="${role}"]`);
const user = (tab, name) => tab.getByRole("button", { name: `Account: ${name}` });

step("the first password opens the page, another one does not", { allowed: [/401/] }, async (tab, context) => {
  await tab.goto(page);
  await login(tab, "admin", `${PASSWORD}x`);
  await tab.getByRole("alert").getByText("Account or password is wrong.").waitFor();
  await login(tab, "admin", PASSWORD);
  await user(tab, "admin").waitFor();
  storage = await context.storageState();
  assert.ok(storage.cookies.length > 0 && storage.cookies.every((c) => c.httpOnly), "a script could read the session");
});

step("an application is in the overview, in the list, and a tree down to its pods", {}, async (tab) => {
  await ready(tab, "/");
  await tab.locator(".counts .total", { hasText: "2 Applications" }).waitFor();
  await tab.getByRole("link", { name: "Applications", exact: true }).click();
  const tile = tab.locator(".tile", { has: tab.getByRole("link", { name: "shop", exact: true }) });
  await tile.getByText("Healthy").waitFor();
  await tile.getByText("Synced").waitFor();
  await tile.getByRole("link", { name: "shop", exact: true }).click();
  await tab.waitForURL(`**${app("shop")}`);
  const objects = tab.getByRole("treegrid", { name: "Objects" });
  await objects.getByRole("row", { name: /Rollout\s*web/ }).and(tab.locator('[aria-level="1"]')).waitFor();
  await objects.getByRole("row", { name: /ReplicaSet\s*web-/ }).and(tab.locator('[aria-level="2"]')).waitFor();
  await objects.locator('[role="row"][aria-level="3"]', { hasText: /Pod\s*web-/ }).nth(1).waitFor();
});

step("the log of a pod is read while it is written, searched, and that of all pods together", { pods: true }, async (tab) => {
  await ready(tab, app("shop"));
  const pods = tab.getByRole("treegrid", { name: "Objects" }).locator('[role="row"][aria-level="3"]', { hasText: /Pod\s*web-/ });
  await pods.first().click();
  await tab.getByRole("tab", { name: "Logs" }).click();
  const log = tab.getByRole("log");
  await log.getByText("serving").waitFor();
  const calls = log.locator(".log-line", { hasText: /GET \/web\/things\/\d+.* status=200/ });
  await calls.first().waitFor();
  // What the pod writes from now on arrives by itself.
  const before = await calls.count();
  await calls.nth(before + 1).waitFor();
  await tab.locator(".logs").getByRole("searchbox").fill("starting");
  await tab.waitForURL(/find=starting/);
  await tab.locator(".log-found", { hasText: "starting" }).first().waitFor();
  const [saved] = await Promise.all([tab.waitForEvent("download"), tab.getByRole("link", { name: "Download the log" }).click()]);
  assert.match(await read(saved), /msg=serving[^]*GET \/web\/things\//);
  await ready(tab, `${app("shop")}?node=${encodeURIComponent(`argoproj.io/Rollout/${SHOP}/web`)}&tab=logs`);
  await tab.waitForFunction(() => new Set([...document.querySelectorAll(".log-name")].map((name) => name.textContent)).size === 2);
});

/** read returns what a file has that was saved. */
async function read(saved) {
  let text = "";
  for await (const piece of await saved.createReadStream()) text += piece;
  return text;
}

/** left is the commit that a rollback leaves. */
let left;

step("a commit stands beside the version before until somebody promotes it", {}, async (tab) => {
  await ready(tab, `/rollouts/${SHOP}/web`);
  const first = await lane(tab, "both").or(lane(tab, "active")).getAttribute("data-lane");
  assert.equal(await hook("GET", "/selector/shop/web"), first);
  left = await hook("POST", "/commit/shop/v2");
  await lane(tab, "preview").waitFor();
  const second = await lane(tab, "preview").getAttribute("data-lane");
  const promote = tab.locator('.next [data-action="promote"] .button:not([data-off])');
  await promote.waitFor();
  await lane(tab, "preview").getByText("2 of 2 Ready").waitFor();
  assert.deepEqual([await hook("GET", "/selector/shop/web"), await hook("GET", "/selector/shop/web-preview")], [first, second]);
  const side = await service(tab, "active").getAttribute("data-side");
  await promote.click();
  await tab.locator(`.service[data-role="active"][data-side]:not([data-side="${side}"])`).waitFor();
  await tab.locator(`.lane[data-lane="${second}"]:is([data-role="both"], [data-role="active"])`).waitFor();
  await tab.getByText(/(^|\. )Switched: the traffic goes to (Blue|Green), revision 2 now/).waitFor({ state: "attached" });
  assert.match(await tab.locator(".stage figcaption").textContent(), /The traffic goes through Service web to (Blue|Green), revision 2/);
  assert.equal(await hook("GET", "/selector/shop/web"), second);
});

step("a page that was cut off shows since when, and what happened meanwhile when it is back", { allowed: [/Failed to load resource/] }, async (tab) => {
  await ready(tab, `/rollouts/${SHOP}/web`);
  const live = tab.getByRole("banner").getByText("Live", { exact: true });
  await live.waitFor();
  const before = await lane(tab, "both").or(lane(tab, "active")).getAttribute("data-lane");
  await hook("POST", "/cut");
  await tab.getByText(/Not live since/).waitFor();
  left = await hook("POST", "/commit/shop/v3");
  assert.equal(await tab.locator(`.lane[data-lane="${before}"]`).count(), 1, "what was seen last is still shown");
  await hook("POST", "/mend");
  await live.waitFor();
  await lane(tab, "preview").getByText("2 of 2 Ready").waitFor();
});

/** tabTo goes on with the key Tab until something has the focus. */
async function tabTo(tab, selector) {
  for (let i = 0; i < 100; i++) {
    await tab.keyboard.press("Tab");
    if (await tab.evaluate((s) => document.activeElement.matches(s), selector)) return;
  }
  assert.fail(`no Tab leads to ${selector}`);
}

step("with the keyboard alone somebody logs in, finds the application and promotes; another tab sees the switch", { storage: undefined, allowed: [/401/] }, async (tab, context) => {
  await tab.goto(page);
  await tab.getByLabel("Password", { exact: true }).waitFor();
  assert.equal(await tab.evaluate(() => document.activeElement.id), "password");
  await tab.keyboard.type(PASSWORD);
  await tab.keyboard.press("Enter");
  await user(tab, "admin").waitFor();
  const other = await context.newPage();
  other.setDefaultTimeout(patience);
  await ready(other, `/rollouts/${SHOP}/web`);
  const side = await service(other, "active").getAttribute("data-side");
  await tab.bringToFront();
  await tab.keyboard.press("Control+k");
  await tab.getByRole("dialog").waitFor();
  await tab.keyboard.type("shop");
  await tab.getByRole("menuitem", { name: /^shop/ }).waitFor();
  await tab.keyboard.press("ArrowDown");
  await tab.keyboard.press("Enter");
  await tab.waitForURL(`**${app("shop")}`);
  await tab.locator(".app-links a", { hasText: "Rollout web" }).waitFor();
  await tabTo(tab, '.app-links a[href*="/rollouts/"]');
  await tab.keyboard.press("Enter");
  await tab.waitForURL(`**/rollouts/${SHOP}/web`);
  await tab.locator('.next [data-action="promote"] .button:not([data-off])').waitFor();
  await tabTo(tab, '.next [data-action="promote"] .button:not([data-off])');
  await tab.keyboard.press("Enter");
  for (const page of [tab, other]) await page.locator(`.service[data-role="active"][data-side]:not([data-side="${side}"])`).waitFor();
  await tab.close();
  await other.getByRole("banner").getByText("Live", { exact: true }).waitFor();
});

step("an application is made by form, and is there with what it would deploy", {}, async (tab) => {
  await ready(tab, "/new");
  const field = (name) => tab.getByRole("textbox", { name, exact: true }).or(tab.getByRole("combobox", { name, exact: true }));
  await field("Name").fill("made");
  await field("Repository").fill(REPO);
  await tab.keyboard.press("Tab");
  await tab.getByText(/folders with manifests/).waitFor();
  await field("Revision").fill("ma");
  await tab.getByRole("option", { name: /^main/ }).click();
  await field("Path").fill("ma");
  await tab.getByRole("option", { name: /^made/ }).click();
  await field("Namespace").fill(MADE);
  await tab.getByText("4 objects").waitFor();
  await tab.getByRole("button", { name: "Create", exact: true }).click();
  await tab.waitForURL(`**${app("made")}`);
  const objects = tab.getByRole("treegrid", { name: "Objects" });
  await objects.getByRole("row", { name: /Rollout\s*web/ }).waitFor();
  await tab.locator(".app-states").getByText("Out of sync").waitFor();
});

step("the history leads back, and the application is held there", {}, async (tab) => {
  await ready(tab, app("shop"));
  await tab.locator(".app-states").getByText("Synced").waitFor();
  await tab.getByRole("button", { name: "History" }).click();
  const back = tab.getByRole("dialog").getByRole("button", { name: /^Roll back to / });
  await back.first().click();
  const dialog = tab.getByRole("dialog", { name: /^Roll back to / });
  await dialog.getByText("The application stays at this revision", { exact: false }).waitFor();
  await dialog.locator(".task", { hasText: /change\s*ConfigMap\s*greeting/ }).waitFor();
  await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
  await tab.locator(".app-notices").getByText(`Rolled back: ${left.slice(0, 7)} is not deployed again`, { exact: false }).waitFor();
  await ready(tab, "/applications");
  await tab.locator(".tile", { hasText: "shop" }).getByText(`Rolled back from ${left.slice(0, 7)}`).waitFor();
});

/** sync opens the dialog of a sync, looks at what it will do, and has it done. */
async function sync(tab, look) {
  await tab.getByRole("button", { name: "Sync…" }).click();
  const dialog = tab.getByRole("dialog", { name: "Sync bank" });
  await look(dialog.getByRole("region", { name: "What it will do" }));
  await dialog.getByRole("button", { name: "Sync", exact: true }).click();
  await tab.getByRole("dialog", { name: "Operation of bank" }).getByText("Succeeded").first().waitFor();
  await tab.keyboard.press("Escape");
}

step("a sync shows what it will do before it does it", {}, async (tab) => {
  await ready(tab, app("bank"));
  await sync(tab, async (plan) => {
    await plan.locator(".task", { hasText: /create\s*Rollout\s*web/ }).waitFor();
  });
  await tab.locator(".app-states").getByText("Healthy").waitFor();
  const commit = await hook("POST", "/commit/bank/v2");
  await tab.locator(".app-states").getByText("Out of sync").waitFor();
  await sync(tab, async (plan) => {
    await plan.getByText(commit.slice(0, 7)).waitFor();
    const task = plan.locator(".task", { hasText: /change\s*ConfigMap\s*greeting/ });
    await task.locator("summary").click();
    await task.getByText("hello from v1").waitFor();
    await task.getByText("hello from v2").waitFor();
  });
});

const objects = `${app("shop")}?node=${encodeURIComponent(`argoproj.io/Rollout/${SHOP}/web`)}`;
/** views are all that there is to look at. */
const views = {
  overview: "/",
  applications: "/applications",
  "applications as a table": "/applications?view=table&filters=true",
  ...Object.fromEntries(["tree", "list", "pods", "network"].map((view) => [`application as ${view}`, `${app("shop")}?view=${view}`])),
  "application, drawn": `${app("shop")}?graph=true`,
  ...Object.fromEntries(["summary", "diff", "manifest", "events", "logs"].map((panel) => [`object, ${panel}`, `${objects}&tab=${panel}`])),
  "form of an application": `${app("shop")}/edit`,
  "new application": "/new",
  rollouts: "/rollouts",
  "rollout that waits": `/rollouts/${BANK}/web?pods=true`,
  "rollout, replayed": `/rollouts/${SHOP}/web?replay=1`,
  deliveries: "/deliveries",
  ...Object.fromEntries(["repositories", "clusters", "projects?project=default", "windows", "accounts", "account", "roles?subject=viewer", "config", "about"].map((s) => [`settings, ${s.split("?")[0]}`, `/settings/${s}`])),
};
const press = (name) => (tab) => tab.getByRole("button", { name }).first().click();
const dialogs = {
  "dialog of a sync": [app("bank"), press(/^(Sync|同期)…/)],
  "dialog of the history": [app("bank"), press(/^(History|履歴)/)],
  "dialog of a deletion": [app("bank"), press(/^(Delete|削除)/)],
  "dialog of an abort": [`/rollouts/${BANK}/web`, press(/^(Abort|中止)/)],
  palette: ["/", (tab) => tab.keyboard.press("Control+k")],
};
for (const [name, [path, open]] of Object.entries({ ...Object.fromEntries(Object.entries(views).map(([n, p]) => [n, [p]])), ...dialogs })) {
  for (const look of [{ theme: "light", language: "en-US", width: 1440 }, { theme: "dark", language: "ja-JP", width: 390, height: 844 }]) {
    step(`${name}, ${look.theme}, ${look.language}, ${look.width} px: for everybody to read`, look, async (tab) => {
      await ready(tab, path);
      if (open) {
        await open(tab);
        await tab.locator("[role=dialog], [role=alertdialog]").first().waitFor();
      }
      assert.deepEqual(await axe(tab), [], "what is not for everybody");
      assert.deepEqual(await overflow(tab), [], "what is wider than the window");
      assert.equal(await tab.evaluate(() => document.documentElement.lang), look.language.slice(0, 2));
    });
  }
}

step("a delivery and an event of the switch are for everybody to read", {}, async (tab) => {
  await ready(tab, "/deliveries");
  await tab.locator('main a[href*="/deliveries/"]').first().click();
  await tab.waitForURL(/\/deliveries\/.+\/.+\/.+/);
  await tab.locator("[data-ready]").first().waitFor();
  assert.deepEqual(await axe(tab), []);
});

/** viewing is a session of who may look at applications and do nothing. */
let viewing;

step("who may only look sees what waits, and why the button is not theirs", { storage: undefined, allowed: [/401/] }, async (tab, context) => {
  await tab.goto(`${page}/rollouts/${BANK}/web`);
  await login(tab, "viewer", VIEWER);
  await user(tab, "viewer").waitFor();
  const promote = tab.locator('.next [data-action="promote"] .button[data-off]');
  await promote.waitFor();
  await lane(tab, "preview").waitFor();
  await promote.focus();
  await tab.getByRole("tooltip").filter({ hasText: "your account lacks the right “rollouts, promote" }).waitFor();
  const asked = [];
  tab.on("request", (r) => r.method() === "POST" && asked.push(r.url()));
  await tab.keyboard.press("Enter");
  const refused = await context.request.post(`${page}/api/v1/rollouts/${BANK}/web/promote`, { data: {}, headers: { Origin: new URL(page).origin } });
  assert.equal(refused.status(), 403);
  assert.match(await refused.text(), /permission denied: rollouts, promote/);
  assert.deepEqual(asked, [], "the button that is off has asked for something");
  viewing = await context.storageState();
});

step("an abort gives the new version up, and the traffic stays", {}, async (tab) => {
  await ready(tab, `/rollouts/${BANK}/web`);
  const before = await hook("GET", "/selector/bank/web");
  await tab.locator('.next [data-action="abort"] .button:not([data-off])').click();
  await tab.getByRole("alertdialog").getByRole("button", { name: "Abort", exact: true }).click();
  await tab.getByRole("alertdialog").waitFor({ state: "detached" });
  await tab.locator('.next[data-tone="bad"]').getByText("The update to revision 2 was aborted", { exact: false }).waitFor();
  await tab.locator('.next [data-action="retry"] .button:not([data-off])').waitFor();
  assert.equal(await service(tab, "active").getAttribute("data-side"), await tab.locator(`.lane[data-lane="${before}"]`).getAttribute("data-side"));
  assert.equal(await hook("GET", "/selector/bank/web"), before);
});

it("a right that is taken away takes the application off an open page", async (t) => {
  if (stopped) return t.skip("a step before has failed");
  await visit({ storage: viewing }, async (tab) => {
    tab.setDefaultTimeout(patience);
    await ready(tab, "/applications");
    const tile = (name) => tab.locator(".tile", { has: tab.getByRole("link", { name, exact: true }) });
    await tile("shop").waitFor();
    await tile("bank").waitFor();
    await hook("POST", "/deny");
    await tile("shop").waitFor({ state: "detached" });
    assert.equal(await tile("bank").count(), 1);
  });
});

step("logging out ends the session for good", { allowed: [/401/] }, async (tab, context) => {
  await ready(tab, "/applications");
  const { cookies } = await context.storageState();
  await user(tab, "admin").click();
  await tab.getByRole("menuitem", { name: "Log out" }).click();
  await tab.getByRole("heading", { name: "Log in to Cyan" }).waitFor();
  assert.equal(await tab.locator(".tile").count(), 0);
  const answer = await fetch(`${page}/api/v1/applications`, { headers: { Cookie: cookies.map((c) => `${c.name}=${c.value}`).join("; ") } });
  assert.equal(answer.status, 401, "the session of before still holds");
});
