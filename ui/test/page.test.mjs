// What people do with the page, with the keyboard as well as with the mouse.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, page, ready, visit } from "./browser.mjs";

after(close);
const focused = (tab) => tab.evaluate(() => document.activeElement?.textContent || document.activeElement?.getAttribute("aria-label") || document.activeElement?.tagName);

it("applications are found as one types, and the address says what is shown", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications");
    await tab.getByRole("searchbox").fill("web-front");
    await tab.waitForURL(/search=web-front/);
    const names = await tab.locator(".tile h2").allTextContents();
    assert.ok(names.length > 0 && names.every((n) => n.includes("web-front")), names.join());
    await tab.reload();
    await tab.locator(".tile").first().waitFor();
    assert.equal(await tab.getByRole("searchbox").inputValue(), "web-front");
    assert.deepEqual(await tab.locator(".tile h2").allTextContents(), names);
  }));

it("filters are in the address, and the way back takes them off one by one", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications");
    const all = await tab.locator(".view-head .muted").textContent();
    await tab.getByRole("button", { name: "Filters" }).click();
    await tab.getByRole("checkbox", { name: /Out of sync/ }).check({ force: true });
    await tab.waitForURL(/sync=OutOfSync/);
    await tab.goBack();
    await tab.waitForURL(/\/applications\?filters=true$/);
    await tab.locator(".view-head").getByText(all, { exact: true }).waitFor();
  }));

it("owner and labels are filters; values of one label are alternatives", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications");
    await tab.getByRole("button", { name: "Filters" }).click();
    const labels = tab.getByRole("group", { name: "Labels" });
    await labels.getByRole("checkbox", { name: /team=shop/ }).check({ force: true });
    await tab.getByText(/20 of \d+/).waitFor();
    await labels.getByRole("checkbox", { name: /team=data/ }).check({ force: true });
    await tab.getByText(/40 of \d+/).waitFor();
    await labels.getByRole("checkbox", { name: /tier=back/ }).check({ force: true });
    await tab.getByText(/20 of \d+/).waitFor();
    assert.equal(new URL(tab.url()).search, "?filters=true&labels=team=shop,team=data,tier=back");
    await tab.getByRole("group", { name: "Owner" }).getByRole("checkbox", { name: /platform/ }).check({ force: true });
    await tab.waitForURL(/owner=platform/);
    const shown = await tab.locator(".tile h2").allTextContents();
    await tab.reload();
    await tab.locator(".tile").first().waitFor();
    assert.deepEqual(await tab.locator(".tile h2").allTextContents(), shown);
  }));

it("a view with a name is an address that is gone to again, until it is forgotten", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications?health=Degraded&view=table");
    await tab.getByRole("button", { name: "Views" }).click();
    await tab.getByRole("menuitemradio", { name: "Save this view…" }).or(tab.getByRole("menuitem", { name: "Save this view…" })).click();
    await tab.getByRole("textbox", { name: "Name" }).fill("broken");
    await tab.keyboard.press("Enter");
    await tab.getByRole("dialog").waitFor({ state: "detached" });
    await ready(tab, "/applications");
    await tab.getByRole("button", { name: "Views" }).click();
    await tab.getByRole("menuitemradio", { name: "broken" }).click();
    await tab.waitForURL((url) => url.search === "?health=Degraded&view=table");
    await tab.getByRole("row", { name: /web-gate-7/ }).waitFor();
    await tab.getByRole("button", { name: "Views" }).click();
    await tab.getByRole("menuitemradio", { name: "Save this view…" }).click();
    await tab.getByRole("button", { name: "Forget: broken" }).click();
    assert.equal(await tab.getByRole("textbox", { name: "Name" }).evaluate((field) => field === document.activeElement), true, "the focus went with the button");
    await tab.keyboard.press("Escape");
    await tab.getByRole("button", { name: "Views" }).click();
    assert.equal(await tab.getByRole("menu").getByText("broken").count(), 0);
  }));

it("the overview has what moves, what needs somebody, and then the applications, the worst first", () =>
  visit({}, async (tab) => {
    await ready(tab, "/");
    await tab.locator(".some li").first().waitFor();
    const names = await tab.locator(".some li > a").allTextContents();
    assert.deepEqual(names.slice(0, 2), ["web-gate-7", "請求-front-48"]);
    await tab.getByRole("link", { name: /^All \d+/ }).click();
    await tab.waitForURL(/\/applications$/);
  }));

it("a button that stays pressed is seen to be, in every view that has one", async () => {
  for (const [path, name] of [
    [`/applications/argocd/web-gate-7?node=${encodeURIComponent("/Pod/team-7/web-gate-7-6f8-0")}&tab=logs`, "Previous"],
    ["/applications", "Favourites only"],
    ["/rollouts", "Waits for somebody"],
    ["/applications/argocd/request-counter", "Diagram"],
  ]) {
    await visit({}, async (tab) => {
      await ready(tab, path);
      const button = tab.getByRole("button", { name: new RegExp(`^${name}`) });
      const ground = () => button.evaluate((e) => getComputedStyle(e).backgroundColor);
      // Logs of a container that crashes begin with those before.
      const was = await button.getAttribute("aria-pressed");
      assert.match(was, /^(true|false)$/, path);
      const before = await ground();
      await button.click();
      await tab.mouse.move(0, 0);
      await tab.locator(`[aria-pressed="${was === "false"}"]`, { hasText: name }).waitFor();
      assert.notEqual(await ground(), before, path);
    });
  }
});

it("what has the focus in a list goes with its application when others come before it, as tile and as line", async () => {
  for (const view of ["", "&view=table"]) {
    await visit({}, async (tab) => {
      await ready(tab, `/applications?search=web-front${view}`);
      const box = tab.getByRole("checkbox", { name: /web-front-56$/ });
      await box.focus();
      const focused = () => tab.evaluate(() => document.activeElement.getAttribute("aria-label"));
      const name = await focused();
      await tab.evaluate((view) => history.pushState({}, "", `/applications?search=web-front&order=desc${view}`), view);
      await tab.waitForFunction(() => document.querySelector(".tile h2, .table-lines .col-name")?.textContent.trim().startsWith("web-front-56"));
      assert.equal(await focused(), name);
      await tab.keyboard.press("Space");
      assert.equal(await box.isChecked(), true);
    });
  }
});

it("what is typed can be changed by the address, by the filters that are cleared, and by going on typing", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications?search=web");
    const box = tab.getByRole("searchbox");
    await box.press("End");
    await box.pressSequentially("-front");
    await tab.waitForURL(/search=web-front$/);
    await tab.evaluate(() => history.pushState({}, "", "/applications?search=api"));
    await tab.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
    await tab.waitForFunction(() => document.querySelector("input[type=search]").value === "api");
    assert.ok((await tab.locator(".tile h2").allTextContents()).every((n) => n.includes("api")));
    await tab.getByRole("button", { name: "Clear filters" }).click();
    await tab.waitForURL(/\/applications$/);
    assert.equal(await box.inputValue(), "");
  }));

it("who works on an application is seen wherever it is, and it is taken back", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications?search=billing-gate-11");
    await tab.locator(".tile").getByText("aiko@laptop works on it").waitFor();
    await ready(tab, "/applications?search=billing-gate-11&view=table");
    await tab.getByRole("row", { name: /billing-gate-11.*aiko@laptop works on it/ }).waitFor();
    await ready(tab, "/applications/argocd/billing-gate-11");
    const notice = tab.locator(".notice", { hasText: "aiko@laptop works on it" });
    assert.equal(await tab.getByText("HandedOver").count(), 0, "told once");
    await notice.getByRole("button", { name: "Take back" }).click();
    await tab.getByRole("alertdialog").getByText("The work of aiko@laptop on these objects ends at once").waitFor();
    await tab.getByRole("alertdialog").getByRole("button", { name: "Take back" }).click();
    await notice.waitFor({ state: "detached" });
  }));

it("a favourite stays one, and can be shown alone", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications");
    const name = await tab.locator(".tile h2").first().textContent();
    await tab.getByRole("button", { name: `Favourite: ${name}` }).click();
    await ready(tab, "/applications?favorites=true");
    assert.deepEqual(await tab.locator(".tile h2").allTextContents(), [name]);
  }));

it("everything is reached by the keyboard alone", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications");
    await tab.keyboard.press("Tab");
    assert.equal(await focused(tab), "Skip to the content");
    await tab.keyboard.press("Enter");
    assert.equal(await tab.evaluate(() => document.activeElement?.id), "content");
    await tab.keyboard.press("Control+k");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.type("request-cou");
    await tab.getByRole("menuitem", { name: /^request-counter/ }).waitFor();
    await tab.keyboard.press("Enter");
    await tab.waitForURL(/applications\/argocd\/request-counter/);
    assert.equal(await tab.getByRole("dialog").count(), 0);
  }));

it("the palette leads to rollouts and settings as well", () =>
  visit({}, async (tab) => {
    await ready(tab, "/");
    await tab.keyboard.press("Control+k");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.type("request-count");
    await tab.getByRole("menuitem", { name: /Rollout request-counter/ }).click();
    await tab.waitForURL(/rollouts\/demo\/request-counter$/);
    await tab.keyboard.press("Control+k");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.type("clusters");
    await tab.getByRole("menuitem", { name: "Settings: Clusters" }).click();
    await tab.waitForURL(/settings\/clusters$/);
  }));

it("an installation without applications says how to make one, and nothing else", () =>
  visit({}, async (tab) => {
    await tab.route("**/api/v1/view/overview", (route) => route.fulfill({ json: { deliveries: [], attention: [], counts: { sync: {}, health: {} }, total: 0, cluster: { reachable: true } } }));
    await tab.route("**/api/v1/view/applications*", (route) => route.fulfill({ headers: { "Stream-Position": "1" }, json: { items: [], total: 0 } }));
    await tab.route("**/api/v1/view/stream*", (route) => route.fulfill({ contentType: "text/event-stream", body: ": nothing\n\n" }));
    await ready(tab, "/applications");
    await tab.getByText("No applications yet").waitFor();
    assert.equal(await tab.getByRole("searchbox").count(), 0);
    await ready(tab, "/");
    await tab.getByText("No applications yet").waitFor();
    await tab.getByRole("button", { name: "New application" }).click();
    await tab.waitForURL(/\/new$/);
  }));

it("what is typed before the palette is there arrives in it", () =>
  visit({}, async (tab) => {
    let asked, send;
    const [loading, held] = [new Promise((done) => (asked = done)), new Promise((done) => (send = done))];
    await tab.route(/assets\/Palette-/, async (route) => {
      asked();
      await held;
      await route.continue();
    });
    await ready(tab, "/");
    await tab.keyboard.press("Control+k");
    await loading;
    await tab.keyboard.type("request-coux");
    await tab.keyboard.press("Backspace");
    send();
    const field = tab.getByRole("dialog").getByRole("searchbox");
    await field.waitFor();
    assert.equal(await field.inputValue(), "request-cou");
    await tab.keyboard.type("nter");
    await tab.getByRole("menuitem", { name: /^request-counter/ }).waitFor();
    assert.equal(await field.inputValue(), "request-counter");
    await tab.keyboard.press("Escape");
    await tab.getByRole("dialog").waitFor({ state: "detached" });
  }));

it("Enter before the palette is there leads to the first that fits", () =>
  visit({}, async (tab) => {
    let asked, send;
    const [loading, held] = [new Promise((done) => (asked = done)), new Promise((done) => (send = done))];
    await tab.route(/assets\/Palette-/, async (route) => {
      asked();
      await held;
      await route.continue();
    });
    await ready(tab, "/");
    await tab.keyboard.press("Control+k");
    await loading;
    await tab.keyboard.type("rollouts");
    await tab.keyboard.press("Enter");
    send();
    await tab.waitForURL(/\/rollouts$/);
    assert.equal(await tab.getByRole("dialog").count(), 0);
  }));

it("times are exact by keyboard, where that is chosen, and stay so", () =>
  visit({}, async (tab) => {
    const exact = /^\d{2}\/\d{2}\/\d{4}, \d{2}:\d{2}:\d{2}$/;
    await ready(tab, "/applications?view=table");
    const time = tab.locator("main time[datetime]").first();
    assert.doesNotMatch(await time.innerText(), exact);
    await tab.getByRole("button", { name: "Appearance" }).focus();
    await tab.keyboard.press("Enter");
    await tab.getByRole("menuitemradio", { name: "As the system has it", checked: true }).waitFor();
    await tab.keyboard.type("Exact");
    await tab.keyboard.press("Enter");
    assert.match(await time.innerText(), exact);
    await tab.reload();
    await tab.locator("[data-ready]").first().waitFor();
    assert.match(await time.innerText(), exact);
    await tab.getByRole("button", { name: "Appearance" }).click();
    await tab.getByRole("menuitemradio", { name: "How long ago" }).click();
    assert.doesNotMatch(await time.innerText(), exact);
  }));

it("the palette closes with Escape, and the focus is where it was", () =>
  visit({}, async (tab) => {
    await ready(tab, "/");
    const opener = tab.getByRole("button", { name: /Go to/ });
    await opener.focus();
    await tab.keyboard.press("Enter");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.press("Escape");
    await tab.getByRole("dialog").waitFor({ state: "detached" });
    await tab.waitForFunction(() => document.activeElement?.classList.contains("going"));
  }));

it("a theme and a language that were chosen stay", () =>
  visit({}, async (tab) => {
    await ready(tab, "/");
    await tab.getByRole("button", { name: "Appearance" }).click();
    await tab.getByRole("menuitemradio", { name: "Dark" }).click();
    await tab.getByRole("button", { name: "Language" }).click();
    await tab.getByRole("menuitemradio", { name: "日本語" }).click();
    await tab.getByRole("link", { name: "概要" }).waitFor();
    await tab.reload();
    await tab.getByRole("link", { name: "概要" }).waitFor();
    assert.equal(await tab.evaluate(() => document.documentElement.dataset.theme), "dark");
  }));

it("the words of one language alone are loaded, and nothing is seen in another on the way", () =>
  visit({ language: "ja-JP" }, async (tab) => {
    const loaded = [];
    tab.on("request", (r) => /\/assets\/(en|ja)-/.test(r.url()) && loaded.push(/\/assets\/(en|ja)-/.exec(r.url())[1]));
    // Words that are late, by frames that are drawn without them: what stands in the document meanwhile is kept, to be
    // looked at.
    await tab.route(/\/assets\/(en|ja)-/, async (route) => {
      await tab.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(go)))));
      await route.continue();
    });
    await tab.addInitScript(() => {
      window.seen = new Set();
      const look = () => {
        for (const e of document.querySelectorAll("nav a, h1, [role=status]")) window.seen.add(e.textContent);
        requestAnimationFrame(look);
      };
      look();
    });
    await ready(tab, "/applications");
    const seen = await tab.evaluate(() => [...window.seen].filter(Boolean));
    assert.ok(seen.includes("概要"), seen.join());
    assert.deepEqual(seen.filter((s) => /Overview|Applications|Loading|\w+\.\w+/.test(s)), []);
    assert.deepEqual(loaded, ["ja"]);
    await tab.getByRole("button", { name: "言語" }).click();
    await tab.getByRole("menuitemradio", { name: "English" }).click();
    await tab.getByRole("link", { name: "Overview" }).waitFor();
    assert.deepEqual(loaded, ["ja", "en"]);
    assert.equal(await tab.evaluate(() => document.documentElement.lang), "en");
  }));

it("a session that ends asks over the view, and what was typed is kept", () =>
  visit({ allowed: [/401/] }, async (tab) => {
    await ready(tab, "/applications");
    await tab.getByRole("searchbox").fill("web");
    await tab.waitForURL(/search=web/);
    await tab.route("**/api/v1/view/**", (route) => route.fulfill({ status: 401, json: { error: "no session; log in", code: 16 } }));
    await tab.evaluate(() => fetch("/api/v1/view/me"));
    await tab.getByRole("checkbox", { name: /Select/ }).first().check();
    await tab.route("**/api/v1/applications/*/sync", (route) => route.fulfill({ status: 401, json: { error: "no session; log in", code: 16 } }));
    await tab.getByRole("button", { name: "Sync", exact: true }).click();
    const dialog = tab.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    await tab.unroute("**/api/v1/view/**");
    await dialog.getByLabel("Password").fill("secret");
    await dialog.getByRole("button", { name: "Log in", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await tab.getByRole("searchbox").inputValue(), "web");
  }));

it("a server that is away is told with since when, and the page comes back by itself", () =>
  visit({ allowed: [/Failed to load|502/] }, async (tab) => {
    await ready(tab, "/");
    await tab.getByRole("banner").getByText("Live", { exact: true }).waitFor();
    await fetch(`${page}/test/away`, { method: "POST" });
    try {
      await tab.getByText(/Not live since/).waitFor();
      assert.equal(await tab.locator(".counts").count(), 1, "what was seen last is still shown");
    } finally {
      await fetch(`${page}/test/back`, { method: "POST" });
    }
    await tab.getByRole("banner").getByText("Live", { exact: true }).waitFor();
  }));

it("what the server says is Japanese on a Japanese page, and what others say is marked as English", () =>
  visit({ language: "ja-JP" }, async (tab) => {
    await ready(tab, "/");
    const needs = tab.locator(".needs li", { hasText: "web-gate-7" });
    assert.equal(await needs.locator("p").textContent(), "Deployment web-gate-7: 1 of 3 pods crashes (CrashLoopBackOff, exit code 1)。イベントとログを確認してください");
    const foreign = tab.locator(".needs li", { hasText: "billing-front-4" }).locator('p span[lang="en"]');
    assert.match(await foreign.textContent(), /^Service billing-front-4: spec/);
    await ready(tab, "/rollouts/situations/degraded");
    assert.deepEqual(await tab.locator(".gates p").allTextContents(), ["リビジョン 42 の Pod 3 個中 0 個が利用可能です", "Pod が利用可能になったら、操作を待ちます"]);
    const retry = tab.getByRole("button", { name: "元に戻す" });
    await retry.focus();
    await tab.getByRole("tooltip").filter({ hasText: "前のバージョンの Pod テンプレートを新しいバージョンとして戻し" }).waitFor();
    await ready(tab, "/deliveries/argocd/web-front-7/1000");
    await tab.getByText("Rollout web-front-7: 切り替え前で待っています").first().waitFor();
  }));

it("what a Japanese page is refused is Japanese where there are words for it, and marked as English where not", () =>
  visit({ language: "ja-JP", allowed: [/status of 4\d\d/] }, async (tab) => {
    let error = "permission denied: applications, sync, shop/web-cache-14, sub: aiko: no policy allows it";
    await tab.route("**/api/v1/applications/web-cache-14/sync", (route) => route.fulfill({ status: 403, json: { error, code: 7 } }));
    await ready(tab, "/applications/argocd/web-cache-14");
    await tab.getByRole("button", { name: "同期…" }).click();
    const dialog = tab.getByRole("dialog");
    const sync = dialog.getByRole("button", { name: "同期", exact: true });
    await sync.click();
    const told = dialog.getByRole("alert");
    await told.getByText("権限がありません (applications, sync, shop/web-cache-14, sub: aiko)").waitFor();
    assert.equal(await told.locator('[lang="en"]').count(), 0);
    error = "Application web-cache-14: something that has no words";
    await sync.click();
    await told.locator('[lang="en"]').getByText("something that has no words").waitFor();
  }));

it("foreign text is text", () =>
  visit({}, async (tab) => {
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\u001b[31m`;
    await tab.route("**/api/v1/view/applications", async (route) => {
      const answer = await (await route.fetch()).json();
      Object.assign(answer.items[1], { name: evil, project: evil, repo: `javascript:window.hacked=1`, health: "Degraded", attention: { reason: "Failed", message: evil } });
      await route.fulfill({ json: answer });
    });
    await ready(tab, "/applications");
    await tab.getByText("onerror").first().waitFor();
    assert.equal(await tab.evaluate(() => window.hacked), undefined);
    assert.equal(await tab.locator('a[href^="javascript"]').count(), 0);
  }));

it("the first view is there within a second and light", () =>
  visit({}, async (tab) => {
    let bytes = 0;
    tab.on("response", async (r) => {
      if (/\.js$/.test(new URL(r.url()).pathname)) bytes += Number(r.headers()["content-length"] ?? 0);
    });
    await ready(tab, "/");
    assert.ok(bytes > 0 && bytes < 250 * 1024, `${bytes} bytes of script, compressed`);
  }));

it("what is open over a view is in the address: it is there for who is sent that, and the way back closes it", () =>
  visit({}, async (tab) => {
    const app = "/applications/argocd/web-cache-14";
    const button = (name) => tab.getByRole("button", { name, exact: true });
    for (const [path, press, title] of [[app, button("Sync…"), "Sync web-cache-14"], [app, button("History"), "History of web-cache-14"], [app, button("Delete…"), "Delete web-cache-14?"], ["/applications/argocd/request-counter", tab.locator(".app-states .plain-link"), "Operation of request-counter"]]) {
      await ready(tab, path);
      await press.click();
      const dialog = tab.getByRole("dialog", { name: title }).or(tab.getByRole("alertdialog", { name: title }));
      await dialog.waitFor();
      const there = tab.url();
      await tab.goBack();
      await dialog.waitFor({ state: "detached" });
      await tab.goto(there);
      await dialog.waitFor();
      await tab.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      assert.equal(new URL(tab.url()).search, "", title);
    }
    await ready(tab, `${app}?rollback=0`);
    await tab.getByRole("button", { name: /^Roll back to / }).first().click();
    await tab.waitForURL(/rollback=deployment-\d+$/);
    await tab.reload();
    await tab.getByRole("dialog", { name: /^Roll back to / }).waitFor();
  }));

it("an application is edited from its page", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications/argocd/web-cache-14");
    await tab.getByRole("button", { name: "Edit", exact: true }).click();
    await tab.waitForURL(/web-cache-14\/edit$/);
    await tab.getByRole("heading", { name: "Edit web-cache-14" }).waitFor();
  }));

it("the palette does what the menus of the bar do, and one Escape closes it", () =>
  visit({}, async (tab) => {
    await ready(tab, "/");
    await tab.keyboard.press("Control+k");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.type("dark");
    await tab.getByRole("menuitem", { name: "Appearance: Dark" }).click();
    await tab.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await tab.evaluate(() => document.documentElement.dataset.theme), "dark");
    await tab.keyboard.press("Control+k");
    await tab.getByRole("dialog").waitFor();
    await tab.keyboard.type("日本");
    await tab.getByRole("menuitem", { name: "Language: 日本語" }).click();
    await tab.getByRole("link", { name: "概要" }).waitFor();
    await tab.keyboard.press("Control+k");
    await tab.keyboard.type("web");
    await tab.getByRole("dialog").getByRole("searchbox").waitFor();
    await tab.keyboard.press("Escape");
    await tab.getByRole("dialog").waitFor({ state: "detached" });
  }));

it("who logs in after somebody sees nothing of what that one saw", () =>
  visit({ allowed: [/status of 401/] }, async (tab) => {
    await ready(tab, "/applications");
    await tab.getByRole("button", { name: /^Account/ }).click();
    await tab.getByRole("menuitem", { name: "Log out" }).click();
    await tab.getByRole("heading", { name: "Log in to Cyan" }).waitFor();
    // The answer is held back: what is shown meanwhile is what the page has kept.
    let send;
    const held = new Promise((done) => (send = done));
    await tab.route("**/api/v1/view/applications*", async (route) => {
      await held;
      await route.continue();
    });
    await tab.getByLabel("Password").fill("secret");
    await tab.getByRole("button", { name: "Log in", exact: true }).click();
    await tab.getByRole("navigation", { name: "Main" }).waitFor();
    assert.equal(await tab.locator(".tile").count(), 0);
    send();
    await tab.locator(".tile").first().waitFor();
  }));

it("addresses that people have kept lead somewhere", () =>
  visit({}, async (tab) => {
    await tab.goto(`${page}/applications/request-counter?view=tree`);
    await tab.waitForURL(/applications\/argocd\/request-counter\?view=tree/);
    await tab.goto(`${page}/nothing/of/the/kind`);
    await tab.getByText("Not found").waitFor();
  }));
