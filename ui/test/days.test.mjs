// Bad days: what the page is when the cluster is away, a session ends in the middle, a log says more than anybody reads,
// and names are as long as they can be.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { axe, close, overflow, page, ready, visit } from "./browser.mjs";

after(close);
const field = (tab, name) => tab.getByRole("textbox", { name, exact: true }).or(tab.getByRole("combobox", { name, exact: true }));

/** streams has the stream of changes say what is put into it, and nothing else. */
async function streams(tab) {
  let said = "";
  let next = 1;
  await tab.route("**/api/v1/view/stream*", (route) => {
    const body = `retry: 100\n\n${said}`;
    said = "";
    return route.fulfill({ contentType: "text/event-stream", body });
  });
  return (type, data) => (said += `id: ${next++}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}

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
    for (let i = 0; i < lines; i++) body += `${JSON.stringify({ result: { content: `line ${i} \u001b[31mred <b>bold</b>\u001b[0m <script>window.hacked=1</script> <i>x</i> \u001b]0;title\u0007 \u0008\u202e\u0085`, timeStampStr: "2026-01-01T00:00:00Z", podName: "p" } })}\n`;
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
    const shown = () => log.evaluate((e) => [/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]|\[31m|0;title/.test(e.textContent), e.querySelectorAll("b, i, script").length, e.lastElementChild.textContent]);
    const text = (n) => `line ${n} red <b>bold</b> <script>window.hacked=1</script> <i>x</i>  `;
    assert.deepEqual((await shown()).slice(0, 2), [false, 0], "neither escapes nor elements of a log are left");
    assert.ok((await shown())[2].endsWith(text(lines - 1)), (await shown())[2]);
    // Whoever types meanwhile is heard.
    await tab.locator(".logs").getByRole("searchbox").fill("line 99999");
    await tab.locator(".log-found").first().waitFor();
    assert.deepEqual((await shown()).slice(0, 2), [false, 0], "nor where something was found");
  }));

it("log-in has room for the long name of an issuer, says Caps Lock, and has language and theme", async () => {
  for (const width of [320, 390, 1440]) {
    await visit({ width }, async (tab) => {
      const name = `An identity provider with a name that goes on, https://login.example.com/realms/${"engineering-".repeat(8)}`;
      await tab.route("**/api/v1/view/me", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), loggedIn: false, methods: { password: true, sso: { name, loginUrl: "auth/login" } } } }));
      await tab.goto(`${page}/`);
      const link = tab.getByRole("link", { name: /that goes on/ });
      await link.waitFor();
      assert.deepEqual(await overflow(tab), [], `at ${width} px`);
      assert.deepEqual(await link.evaluate((e) => [e.scrollWidth > e.clientWidth, e.scrollHeight > e.clientHeight]), [false, false], `the name is within its button at ${width} px`);
      const password = tab.getByLabel("Password");
      for (const modifierCapsLock of [true, false]) {
        await password.evaluate((e, on) => e.dispatchEvent(new KeyboardEvent("keydown", { key: "A", bubbles: true, modifierCapsLock: on })), modifierCapsLock);
        await tab.getByText("Caps Lock is on.").waitFor({ state: modifierCapsLock ? "visible" : "detached" });
      }
      assert.equal(await tab.locator("main.login .corner button:visible").count(), 2, "language and theme");
    });
  }
});

it("a log is being loaded until the server has answered, and only then without lines", () =>
  visit({}, async (tab) => {
    let answer;
    const answers = new Promise((done) => (answer = done));
    await tab.route("**/logs?*", async (route) => (await answers, route.fulfill({ contentType: "application/json", body: "" })));
    await ready(tab, `/applications/argocd/request-counter?node=${encodeURIComponent("argoproj.io/Rollout/demo/request-counter")}&tab=logs`);
    const foot = tab.locator(".log-foot");
    await foot.waitFor();
    assert.equal(await foot.textContent(), "Loading the log…");
    answer();
    await foot.getByText("No line yet").waitFor();
  }));

it("a phone shows the tab that is open, and by which line a right is decided", () =>
  visit({ width: 390 }, async (tab) => {
    const cut = (of) => of.evaluate((e) => [e.getBoundingClientRect().left < 0, e.getBoundingClientRect().right > innerWidth]);
    await ready(tab, `/applications/argocd/request-counter?node=${encodeURIComponent("argoproj.io/Rollout/demo/request-counter")}&tab=logs`);
    const logs = tab.getByRole("tab", { name: "Logs" });
    await logs.waitFor();
    assert.deepEqual(await cut(logs), [false, false], "at its address");
    await tab.keyboard.press("Escape");
    await ready(tab, "/settings/roles");
    const row = tab.getByRole("row").filter({ hasText: "role:admin, applications, get" });
    await row.waitFor();
    for (const cell of await row.getByRole("cell").all()) assert.deepEqual(await cut(cell), [false, false], await cell.textContent());
    assert.equal(await tab.getByRole("columnheader").count(), 5);
    assert.deepEqual(await axe(tab), []);
  }));

it("a session that has ended leaves the view below the question who asks", () =>
  visit({ allowed: [/401/] }, async (tab) => {
    let loggedIn = true;
    await tab.route("**/api/v1/view/me", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), loggedIn } }));
    const say = await streams(tab);
    await ready(tab, "/applications");
    await tab.locator(".tile").first().waitFor();
    loggedIn = false;
    say("reset", {});
    await tab.getByRole("dialog", { name: "Your session has ended" }).waitFor();
    assert.ok((await tab.locator(".tile").count()) > 0, "what was seen last is still there");
    assert.match(tab.url(), /\/applications$/);
  }));

it("an address of nothing is named, and has a way on", () =>
  visit({ width: 390, allowed: [/404/] }, async (tab) => {
    await tab.goto(`${page}/no/such/view`);
    await tab.getByRole("heading", { level: 1, name: "Not found" }).waitFor();
    await tab.getByText("There is no view at /no/such/view.").waitFor();
    await tab.getByRole("link", { name: "To the overview" }).click();
    await tab.locator("[data-ready]").first().waitFor();
    assert.equal(new URL(tab.url()).pathname, new URL(`${page}/`).pathname);
    await ready(tab, "/settings/nothing");
    await tab.getByText("There is no view at /settings/nothing.").waitFor();
    await tab.getByRole("link", { name: "Settings: Repositories" }).click();
    await tab.waitForURL(/settings\/repositories$/);
    await ready(tab, "/settings/projects?project=nothing");
    await tab.getByText("AppProject nothing: not found").waitFor();
  }));

for (const [what, path, title, list] of [
  ["an application", "/applications/argocd/no-such", "Not found", "To the applications"],
  ["an application without its namespace", "/applications/no-such", "Not found", "To the applications"],
  ["an application that is edited", "/applications/argocd/no-such/edit", "Not found", "To the applications"],
  ["a rollout", "/rollouts/demo/no-such", "Not found", "To the rollouts"],
  ["a delivery", "/deliveries/argocd/no-such/1", "Not found", "To the deliveries"],
]) {
  it(`${what} that is absent has a heading, and the way back`, () =>
    visit({ allowed: [/404/] }, async (tab) => {
      await tab.route(/\/api\/v1\/.*no-such/, (route) => route.fulfill({ status: 404, json: { error: "no-such: not found", code: 5 } }));
      await tab.goto(`${page}${path}`);
      await tab.getByRole("heading", { level: 1, name: title }).waitFor();
      assert.equal(await tab.locator(".problem").count(), 0, "what is absent has not failed");
      await tab.getByRole("link", { name: list }).click();
      await tab.locator("main h1", { hasText: /./ }).first().waitFor();
      assert.equal(new URL(tab.url()).pathname.split("/").filter(Boolean).length, new URL(page).pathname.split("/").filter(Boolean).length + 1, tab.url());
    }));
}

it("an application that one may not see has a heading that says so", () =>
  visit({ allowed: [/403/] }, async (tab) => {
    await tab.route("**/api/v1/view/applications/argocd/web-gate-7", (route) => route.fulfill({ status: 403, json: { error: "permission denied: applications, get, shop/web-gate-7, sub: aiko: no policy allows it", code: 7 } }));
    await tab.goto(`${page}/applications/argocd/web-gate-7`);
    await tab.getByRole("heading", { level: 1, name: "Not permitted" }).waitFor();
    await tab.getByRole("link", { name: "To the applications" }).waitFor();
  }));

it("nothing is called live before the server has answered", () =>
  visit({ allowed: [/Failed to load|ERR_/] }, async (tab) => {
    let answer;
    const answers = new Promise((done) => (answer = done));
    await tab.route("**/api/v1/view/**", async (route) => (await answers, route.continue()));
    await tab.goto(`${page}/applications`);
    const banner = tab.getByRole("banner");
    await banner.getByText("Connecting", { exact: true }).waitFor();
    assert.equal(await banner.getByText("Live", { exact: true }).count(), 0);
    // One that goes on not to answer is away.
    await banner.getByText(/^Not live since/).waitFor();
    answer();
    await banner.getByText("Live", { exact: true }).waitFor();
  }));

it("a server that refuses connections at the first load is away", () =>
  visit({ allowed: [/Failed to load|ERR_/] }, async (tab) => {
    await tab.route("**/api/v1/view/**", (route) => route.abort("connectionrefused"));
    await tab.goto(`${page}/new`);
    await tab.getByRole("banner").getByText(/^Not live since/).waitFor();
  }));

it("who logs in with a password goes on where the address asks for, within the page", async () => {
  for (const [asked, to] of [["/rollouts?search=web", "/rollouts?search=web"], ["https://evil.example/", "/login"], ["//evil.example/", "/login"]]) {
    await visit({ allowed: [/401/] }, async (tab) => {
      let loggedIn = false;
      await tab.route("**/api/v1/view/me", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), loggedIn } }));
      await tab.route("**/api/v1/session", (route) => ((loggedIn = true), route.fulfill({ json: { token: "" } })));
      const below = new URL(page).pathname.replace(/\/$/, "");
      await tab.goto(`${page}/login?return_url=${encodeURIComponent(asked.startsWith("/r") ? below + asked : asked)}`);
      await tab.getByLabel("Password").fill("secret");
      await tab.getByRole("button", { name: "Log in", exact: true }).click();
      await tab.locator("[data-ready]").first().waitFor();
      const at = new URL(tab.url());
      assert.equal(at.origin, new URL(page).origin);
      assert.equal(at.pathname + (to.includes("?") ? at.search : ""), below + to);
    });
  }
});

it("a session that ended is renewed at the issuer in a tab of its own, and what was typed stays", () =>
  visit({ allowed: [/401/] }, async (tab) => {
    let loggedIn = true;
    await tab.route("**/api/v1/view/me", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), loggedIn, methods: { password: true, sso: { name: "GitHub", loginUrl: "auth/login" } } } }));
    await tab.route("**/api/v1/account/password", (route) => route.fulfill({ status: 401, json: { error: "no session; log in", code: 16 } }));
    await ready(tab, "/settings/account");
    const typed = tab.locator("main input[autocomplete=current-password]");
    await typed.fill("before");
    for (const input of await tab.locator("main input[autocomplete=new-password]").all()) await input.fill("a longer secret");
    loggedIn = false;
    await tab.locator("main form").getByRole("button").last().click();
    const dialog = tab.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    const link = dialog.getByRole("link", { name: "Log in with GitHub" });
    assert.deepEqual([await link.getAttribute("target"), await link.getAttribute("rel")], ["_blank", "noreferrer"]);
    // Somebody looks before it is done, and comes back once it is.
    await tab.evaluate(() => dispatchEvent(new Event("focus")));
    await dialog.waitFor();
    loggedIn = true;
    await tab.evaluate(() => dispatchEvent(new Event("focus")));
    await dialog.waitFor({ state: "detached" });
    assert.equal(await typed.inputValue(), "before");
  }));

for (const [kind, sentence] of [["clusters", "No clusters that you may see."], ["projects", "No projects that you may see."]]) {
  it(`no ${kind} are told as such`, () =>
    visit({}, async (tab) => {
      await tab.route(new RegExp(`/api/v1/${kind}(\\?|$)`), (route) => route.fulfill({ json: { items: [] } }));
      await ready(tab, `/settings/${kind}`);
      await tab.getByText(sentence).waitFor();
    }));
}

it("a name without a place to break it fits, wherever it stands", async () => {
  const long = "n".repeat(253);
  const cut = (tab) => tab.locator(".modal, .square, .needs-head > a, .delivery h3").evaluateAll((all) => all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < 0).map((e) => e.className || e.tagName));
  for (const width of [390, 1440]) {
    await visit({ width, allowed: [/404/] /* what a sync would do is asked of a name that nothing has */ }, async (tab) => {
      await tab.route("**/api/v1/view/overview", async (route) => {
        const answer = await (await route.fetch()).json();
        answer.attention.forEach((row, i) => Object.assign(row, { name: long.slice(0, -2) + (10 + i) }));
        answer.deliveries.forEach((delivery, i) => Object.assign(delivery, { application: long.slice(0, -2) + (10 + i) }));
        await route.fulfill({ json: answer });
      });
      await tab.route("**/api/v1/view/applications/argocd/request-counter", async (route) => {
        const answer = await (await route.fetch()).json();
        Object.assign(answer.row, { name: long, operation: (answer.operation = undefined) });
        await route.fulfill({ json: answer });
      });
      await streams(tab);
      await ready(tab, "/");
      assert.deepEqual(await cut(tab), [], `overview at ${width} px`);
      assert.deepEqual(await tab.locator(".needs-head > a, .delivery h3").evaluateAll((all) => all.map((e) => e.getBoundingClientRect().height).filter((h) => h > 40)), [], "names over several lines of a list");
      for (const open of [/^History/, /^Delete/, /^Sync…/]) {
        await ready(tab, "/applications/argocd/request-counter");
        await tab.getByRole("button", { name: open }).first().click();
        await tab.locator(".modal").waitFor();
        assert.deepEqual(await cut(tab), [], `${open} at ${width} px`);
      }
    });
  }
});

it("what stands beside each other in the overview begins below each other, however long the list of who needs somebody is", () =>
  visit({ width: 1440 }, async (tab) => {
    await tab.route("**/api/v1/view/overview", async (route) => {
      const answer = await (await route.fetch()).json();
      Object.assign(answer, { deliveries: answer.deliveries.slice(0, 2), attention: Array.from({ length: 12 }, (_, i) => ({ ...answer.attention[0], name: `web-${i}`, attention: { ...answer.attention[0].attention, said: undefined, message: "a long reason ".repeat(40) } })) });
      await route.fulfill({ json: answer });
    });
    await streams(tab);
    await ready(tab, "/");
    await tab.locator(".some li").first().waitFor();
    const gaps = await tab.evaluate(() => {
      const box = (of) => document.querySelector(`.overview > ${of}`).getBoundingClientRect();
      return [box(".some").top - box(".moving").bottom, box(".recent").top - box(".some").bottom];
    });
    assert.ok(gaps.every((g) => g > 0 && g < 40), `gaps of ${gaps} px`);
  }));

it("Pods stay within the card of what owns them", () =>
  visit({ width: 1440, language: "ja-JP" }, async (tab) => {
    await ready(tab, "/applications/argocd/request-counter?view=network");
    await tab.locator(".node-card.group .square").first().waitFor();
    const out = await tab.locator(".node-card.group").evaluateAll((all) => all.filter((card) => [...card.querySelectorAll(".square")].some((s) => s.getBoundingClientRect().bottom > card.getBoundingClientRect().bottom - 2)).length);
    assert.equal(out, 0);
  }));

it("of what cannot be looked at no count is made before it is deleted; what is in git alone is not sent for its events", () =>
  visit({}, async (tab) => {
    await tab.route("**/api/v1/view/applications/argocd/request-counter", async (route) => {
      const answer = await (await route.fetch()).json();
      Object.assign(answer, { trouble: "cluster of the Application: its objects cannot be listed: connection refused; check that its API server runs, and what cyan may read there", nodes: answer.nodes.filter((n) => n.kind === "Service").map((n) => ({ ...n, health: "Missing", message: undefined })) });
      answer.row.health = "Missing";
      await route.fulfill({ json: answer });
    });
    await streams(tab);
    await ready(tab, "/applications/argocd/request-counter");
    const why = tab.locator(".notice.why");
    assert.match(await why.innerText(), /In git, and not in the cluster: a sync makes it/);
    assert.equal(await why.getByRole("button", { name: "Events" }).count(), 0);
    await tab.getByRole("button", { name: /^Delete/ }).first().click();
    const dialog = tab.getByRole("alertdialog");
    assert.match(await dialog.innerText(), /How many those are is not known/);
    assert.doesNotMatch(await dialog.innerText(), /\d objects? go/);
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
      await streams(tab);
      await tab.route("**/api/v1/view/applications/argocd/request-counter", async (route) => {
        const answer = await (await route.fetch()).json();
        Object.assign(answer.row, { destination: "n".repeat(63), cluster: long, owner: long, project: "p".repeat(63), health: "Degraded" });
        for (const node of answer.nodes) Object.assign(node, { name: long, message: node.kind === "Pod" ? `${"m".repeat(1000)} 💥` : undefined, health: node.kind === "Pod" ? "Degraded" : node.health });
        answer.commit = { ...answer.commit, message: "c".repeat(500), author: "a".repeat(120) };
        await route.fulfill({ json: answer });
      });
      const app = "/applications/argocd/request-counter";
      const rollout = "a-name-that-goes-on-and-on-".repeat(9).slice(0, 253);
      const node = encodeURIComponent(`argoproj.io/Rollout/demo/${long}`);
      const views = ["/", "/applications", "/applications?view=table", "/applications?filters=true", app, ...["view=list", "view=pods", "view=network", "graph=true", `node=${node}`, "deploy=all", "rollback=0", "delete=true"].map((s) => `${app}?${s}`), "/rollouts?search=a-name-that", `/rollouts/situations/${rollout}?pods=true`];
      for (const path of views) {
        await ready(tab, path);
        assert.deepEqual(await overflow(tab), [], `${path} at ${width} px`);
      }
    });
  }
});

for (const language of ["en-US", "ja-JP"]) {
  it(`the bar fits the window in ${language}, live or not`, async () => {
    for (const width of [320, 390, 961, 1000, 1201, 1440]) {
      await visit({ width, language, allowed: [/Failed to load/] }, async (tab) => {
        await ready(tab, "/rollouts");
        await tab.locator(".live[data-tone=ok]").waitFor();
        assert.deepEqual(await overflow(tab), [], `live at ${width} px`);
        await tab.route("**/view/stream**", () => {});
        await ready(tab, "/rollouts");
        await tab.locator(".live[data-tone=none]").waitFor();
        assert.deepEqual(await overflow(tab), [], `connecting at ${width} px`);
        await tab.unroute("**/view/stream**");
        await tab.route("**/view/stream**", (route) => route.abort());
        await ready(tab, "/rollouts");
        await tab.locator(".live.off").waitFor();
        assert.deepEqual(await overflow(tab), [], `not live at ${width} px`);
      });
    }
  });
}

for (const [words, hours] of [["an hour ahead", 1], ["an hour behind", -1]]) {
  it(`a browser's clock that is ${words} changes neither how long ago things were nor how long they take`, () =>
    visit({ allowed: [/Failed to load|502/] }, async (tab) => {
      await tab.addInitScript((wrong) => {
        const RealDate = Date;
        window.wrong = wrong;
        window.Date = class extends RealDate {
          constructor(...a) {
            super(...(a.length ? a : [RealDate.now() + window.wrong]));
          }
          static now() {
            return RealDate.now() + window.wrong;
          }
        };
      }, hours * 3_600_000);
      const minutes = /^\d+ min\. ago$/;
      await ready(tab, "/");
      const needs = tab.locator(".needs li", { hasText: "web-gate-7" }).locator("time");
      assert.match(await needs.textContent(), minutes);
      assert.ok(Number.parseInt(await needs.textContent(), 10) < 40, await needs.textContent());
      for (const time of await tab.locator(".moving .track-time").allTextContents()) assert.doesNotMatch(time, /\b(h|min)\b/, "what is on its way takes seconds");
      await ready(tab, "/rollouts/situations/three-old");
      const counts = tab.locator(".lane-until .until");
      assert.match(await counts.first().textContent(), /^(25|2[0-4]|1\d|\d\.?\d?) s$/, "a countdown of 25 seconds");
      assert.match(await counts.nth(1).textContent(), /^1 h [45] min$/, "a countdown of 65 minutes");
      // The clock is set right while the page is open: the next answer tells.
      await tab.evaluate(() => (window.wrong = 0));
      await ready(tab, "/");
      await tab.getByRole("banner").getByText("Live", { exact: true }).waitFor();
      await tab.evaluate((wrong) => (window.wrong = wrong), hours * 3_600_000);
      await tab.getByRole("link", { name: "Rollouts" }).click();
      await tab.getByRole("searchbox").fill("three-old");
      await tab.getByRole("link", { name: "three-old" }).click();
      assert.match(await counts.nth(1).textContent(), /^1 h [45] min$/, "after the clock was set");
      await fetch(`${page}/test/away`, { method: "POST" });
      try {
        const off = tab.getByText(/^Not live since \d/);
        await off.waitFor();
        const told = (await off.textContent()).replace(/^Not live since /, "").replace(/\s/g, " ");
        // By the clock on the wall, which the server's is.
        const around = Array.from({ length: 300 }, (_, i) => new Date(Date.now() - i * 1000).toLocaleTimeString("en-US").replace(/\s/g, " "));
        assert.ok(around.includes(told), `${told} at ${around[0]}`);
      } finally {
        await fetch(`${page}/test/back`, { method: "POST" });
      }
      await tab.getByRole("banner").getByText("Live", { exact: true }).waitFor();
    }));
}

it("who may no longer see an application is shown it no longer, wherever it was open", () =>
  visit({ allowed: [/status of 403/] }, async (tab) => {
    const say = await streams(tab);
    const gone = { namespace: "argocd", name: "api-worker-1" };
    await ready(tab, "/applications");
    await tab.getByRole("link", { name: gone.name, exact: true }).waitFor();
    say("gone", gone);
    await tab.getByRole("link", { name: gone.name, exact: true }).waitFor({ state: "detached" });
    await ready(tab, "/");
    await tab.locator(".some").getByRole("link", { name: gone.name, exact: true }).waitFor();
    say("gone", gone);
    await tab.locator(".some").getByRole("link", { name: gone.name, exact: true }).waitFor({ state: "detached" });
    await ready(tab, `/applications/argocd/${gone.name}`);
    await tab.route(`**/api/v1/view/applications/argocd/${gone.name}`, (route) => route.fulfill({ status: 403, json: { error: `permission denied: applications, get, core/${gone.name}, sub: aiko: no policy allows it`, code: 7 } }));
    say("gone", gone);
    await tab.getByRole("alert").getByText("permission denied").waitFor();
    assert.equal(await tab.getByRole("treegrid").count(), 0, "nothing of it is left");
  }));

it("who may no longer sync is told by the next change, and asks for nothing", () =>
  visit({}, async (tab) => {
    const say = await streams(tab);
    const asked = [];
    tab.on("request", (r) => r.method() === "POST" && asked.push(r.url()));
    await ready(tab, "/applications/argocd/api-worker-1");
    const sync = tab.getByRole("button", { name: /^Sync…/ });
    assert.equal(await sync.getAttribute("data-off"), null);
    const detail = await tab.evaluate(async () => (await fetch("/api/v1/view/applications/argocd/api-worker-1")).json());
    say("application", { namespace: "argocd", name: "api-worker-1", ...detail, row: { ...detail.row, rights: ["get"] } });
    await tab.locator(".button[data-off]", { hasText: "Sync…" }).waitFor();
    await sync.focus();
    await tab.getByRole("tooltip").filter({ hasText: "your account lacks the right “sync”" }).waitFor();
    await tab.keyboard.press("Enter");
    await sync.click();
    assert.equal(await tab.getByRole("dialog").count(), 0);
    assert.deepEqual(asked, []);
  }));

it("an object of a megabyte is read, and the page stays in hand", () =>
  visit({}, async (tab) => {
    const conditions = Array.from({ length: 4000 }, (_, i) => ({ type: `Condition${i}`, status: "False", message: `${"what an operator writes ".repeat(8)}${i} 💥 <script>window.hacked=1</script> \u001b[31m` }));
    const manifest = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "web", image: "x" }] }, status: { blob: "b".repeat(200_000), conditions } });
    assert.ok(manifest.length > 1_000_000, `${manifest.length} bytes`);
    await tab.route("**/api/v1/applications/*/resource?*", (route) => route.fulfill({ json: { manifest } }));
    await ready(tab, `/applications/argocd/request-counter?node=${encodeURIComponent("argoproj.io/Rollout/demo/request-counter")}&tab=manifest`);
    const code = tab.getByRole("region", { name: "YAML" });
    await code.getByText("Condition3999").waitFor();
    assert.equal(await tab.evaluate(() => window.hacked), undefined);
    const elements = await code.evaluate((e) => e.querySelectorAll("*").length);
    assert.ok(elements < 5000, `${elements} elements`);
    assert.deepEqual(await overflow(tab), []);
    // Whoever goes on is heard.
    await tab.getByRole("tab", { name: "Events" }).click();
    await tab.locator(".events li").first().waitFor();
  }));
