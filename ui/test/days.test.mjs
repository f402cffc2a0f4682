// Bad days: what the page is when the cluster is away, a session ends in the middle, a log says more than anybody reads,
// and names are as long as they can be.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, overflow, ready, visit } from "./browser.mjs";

after(close);
const field = (tab, name) => tab.getByRole("textbox", { name, exact: true }).or(tab.getByRole("combobox", { name, exact: true }));

it("a cluster that does not answer is told with since when, over what was seen last, until it answers", () =>
  visit({}, async (tab) => {
    let state = { reachable: false, since: new Date(Date.now() - 180_000).toISOString(), message: "the cluster does not answer" };
    await tab.route("**/api/v1/view/stream*", (route) => route.fulfill({ contentType: "text/event-stream", body: `retry: 200\n\nid: x\nevent: cluster\ndata: ${JSON.stringify(state)}\n\n` }));
    await ready(tab, "/applications");
    const banner = tab.getByText("the cluster does not answer").first();
    await banner.waitFor();
    await tab.getByText(/3 (min|minutes)/).first().waitFor();
    assert.ok((await tab.locator(".tile").count()) > 0, "what was seen last is still shown");
    state = { reachable: true };
    await banner.waitFor({ state: "detached" });
  }));

it("a session that ends while an application is created keeps the form, and nothing is done twice", () =>
  visit({ allowed: [/401/] }, async (tab) => {
    let asked = 0;
    let made = 0;
    await tab.route(/\/api\/v1\/applications(\?|$)/, async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      if (asked++ === 0) return route.fulfill({ status: 401, json: { error: "no session; log in", code: 16 } });
      made++;
      return route.fallback();
    });
    await ready(tab, "/new");
    await field(tab, "Name").fill("in-the-middle");
    await field(tab, "Repository").fill("https://git.example/shop/deploy.git");
    await tab.keyboard.press("Tab");
    await tab.getByText(/folders with manifests/).waitFor();
    await field(tab, "Path").fill("apps/mail");
    await tab.getByRole("option", { name: /apps\/mail\/overlays\/production/ }).click();
    await field(tab, "Namespace").fill("mail");
    await tab.getByText("4 objects").waitFor();
    await tab.getByRole("button", { name: "Create", exact: true }).click();
    const dialog = tab.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    assert.equal(made, 0);
    await dialog.getByLabel("Password").fill("secret");
    await dialog.getByRole("button", { name: "Log in", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    for (const [name, value] of [["Name", "in-the-middle"], ["Path", "apps/mail/overlays/production"], ["Namespace", "mail"]]) assert.equal(await field(tab, name).inputValue(), value, name);
    assert.match(tab.url(), /\/new/);
    await tab.getByRole("button", { name: "Create", exact: true }).click();
    await tab.waitForURL(/applications\/argocd\/in-the-middle$/);
    assert.equal(made, 1);
  }));

it("a log that says more than anybody reads leaves the page in hand, and says how much has passed", () =>
  visit({}, async (tab) => {
    const lines = 100_000;
    let body = "";
    for (let i = 0; i < lines; i++) body += `${JSON.stringify({ result: { content: `line ${i} \u001b[31mred\u001b[0m <script>window.hacked=1</script> \u001b]0;title\u0007`, timeStampStr: "2026-01-01T00:00:00Z", podName: "p" } })}\n`;
    await tab.route("**/logs?*", (route) => route.fulfill({ contentType: "application/json", body }));
    await ready(tab, "/applications/argocd/request-counter");
    await tab.getByRole("treeitem", { name: /Pod/ }).or(tab.getByRole("row", { name: /Pod/ })).first().click();
    await tab.getByRole("tab", { name: "Logs" }).click();
    const log = tab.getByRole("log");
    await log.getByText(`line ${lines - 1} `).first().waitFor();
    await tab.locator(".log-foot", { hasText: /5,?000 lines/ }).waitFor();
    const foot = await tab.locator(".log-foot").textContent();
    assert.match(foot, /95,000 passed by too fast to be shown/);
    assert.ok((await log.locator(".log-line").count()) <= 5000);
    assert.equal(await tab.evaluate(() => window.hacked), undefined);
    assert.equal(await log.evaluate((e) => /[\u001b\u0007]/.test(e.textContent)), false, "no escapes are left");
    // Whoever types meanwhile is heard.
    await tab.locator(".logs").getByRole("searchbox").fill("line 99999");
    await tab.locator(".log-found").first().waitFor();
  }));

it("the longest names fit the window", async () => {
  const long = `${"a".repeat(62)}.`.repeat(4) + "a";
  for (const width of [390, 1440]) {
    await visit({ width }, async (tab) => {
      await tab.route("**/api/v1/view/applications", async (route) => {
        const answer = await (await route.fetch()).json();
        Object.assign(answer.items[0], { name: long, destination: "n".repeat(63), cluster: long, owner: long, labels: { ["l".repeat(63)]: "💥".repeat(60) }, health: "Degraded", attention: { reason: "Failed", message: `${"m".repeat(1000)} 💥` } });
        await route.fulfill({ json: answer });
      });
      for (const path of ["/applications", "/applications?view=table", "/"]) {
        await ready(tab, path);
        assert.deepEqual(await overflow(tab), [], `${path} at ${width} px`);
      }
    });
  }
});
