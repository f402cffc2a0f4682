// The keyboard alone: where the focus is after a view has come, a dialog has closed, or something was deleted.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { axe, close, ready, visit } from "./browser.mjs";

after(close);

it("a view that has come has the focus and is read out, and Tab goes on within it", () =>
  visit({}, async (tab) => {
    const within = () => tab.evaluate(() => document.activeElement.closest("main")?.id ?? document.activeElement.tagName);
    const said = tab.locator("[role=status].unseen");
    await ready(tab, "/");
    await tab.locator(".some").getByRole("link", { name: "web-gate-7", exact: true }).focus();
    await tab.keyboard.press("Enter");
    await tab.waitForURL(/web-gate-7$/);
    await tab.locator("#content:focus").waitFor();
    await said.getByText(/web-gate-7/).waitFor();
    await tab.keyboard.press("Tab");
    assert.equal(await within(), "content");
    // What is still there keeps the focus.
    const link = tab.getByRole("navigation").getByRole("link", { name: "Deliveries" });
    await link.focus();
    await tab.keyboard.press("Enter");
    await tab.waitForURL(/deliveries$/);
    await said.getByText(/Deliveries|deliveries/).waitFor();
    assert.equal(await link.evaluate((e) => e === document.activeElement), true);
    await tab.goBack();
    await said.getByText(/web-gate-7/).waitFor();
  }));

it("each dialog of an application takes the focus, and gives it back where it was", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications/argocd/request-counter");
    for (const name of ["Sync…", "History", "Delete…"]) {
      const opener = tab.getByRole("button", { name: new RegExp(`^${name}`) }).first();
      await opener.focus();
      await tab.keyboard.press("Enter");
      const dialog = tab.getByRole("dialog").or(tab.getByRole("alertdialog")).first();
      await dialog.waitFor({ timeout: 8000 }).catch((e) => assert.fail(`${name}: ${e.message}`));
      assert.equal(await tab.evaluate(() => document.activeElement.closest("[role=dialog], [role=alertdialog]") !== null), true, `${name}: the focus is in it`);
      assert.ok(await dialog.evaluate((e) => e.getAttribute("aria-label") || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent), `${name}: it has a name`);
      await tab.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      await tab.waitForFunction((e) => e === document.activeElement, await opener.elementHandle());
    }
  }));

it("a log is come to, looked through and left by the keyboard alone", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications/argocd/request-counter");
    const line = tab.getByRole("treegrid").getByRole("row", { name: /Rollout/ }).first();
    await line.focus();
    await tab.keyboard.press("Enter");
    const summary = tab.getByRole("tab", { name: "Summary" });
    for (let i = 0; i < 60 && !(await summary.evaluate((e) => e === document.activeElement)); i++) await tab.keyboard.press("Tab");
    await tab.keyboard.press("End");
    const log = tab.getByRole("log");
    await log.locator(".log-line").first().waitFor();
    for (let i = 0; i < 20 && !(await log.evaluate((e) => e === document.activeElement)); i++) await tab.keyboard.press("Tab");
    assert.equal(await log.evaluate((e) => e === document.activeElement), true, "the lines can be scrolled by keys");
    await tab.keyboard.press("Escape");
    await log.waitFor({ state: "detached" });
    assert.match(await tab.evaluate(() => document.activeElement.getAttribute("role")), /row/, "the focus is where it was");
  }));

it("an application is made by form, and deleted, with the keys alone; each time the focus is in the view that comes", () =>
  visit({}, async (tab) => {
    const to = async (of, most = 60) => {
      // A list that opens below a field hides the others from who looks for roles, not for labels.
      const found = await of.elementHandle();
      for (let i = 0; i < most; i++) {
        if (await found.evaluate((e) => e === document.activeElement)) return;
        await tab.keyboard.press("Tab");
      }
      assert.fail(`no Tab leads to ${await found.evaluate((e) => e.outerHTML.slice(0, 200))}`);
    };
    const field = (name) => tab.getByLabel(name, { exact: true }).and(tab.locator("input"));
    const name = `by-keys-${Date.now()}`;
    await ready(tab, "/new");
    for (const [label, text] of [["Name", name], ["Repository", "https://git.example/shop/deploy.git"], ["Path", "apps/mail/overlays/production"], ["Namespace", "mail"]]) {
      await to(field(label));
      await tab.keyboard.press("Control+a");
      await tab.keyboard.type(text);
    }
    await tab.getByText("4 objects").waitFor();
    assert.deepEqual(await axe(tab), [], "the form that is filled");
    await to(tab.getByRole("button", { name: "Create", exact: true }), 100);
    await tab.keyboard.press("Enter");
    await tab.waitForURL(new RegExp(`applications/argocd/${name}$`));
    await tab.locator("#content:focus").waitFor();

    await ready(tab, "/applications/argocd/images-cache-26");
    await to(tab.getByRole("button", { name: /^Delete…/ }));
    await tab.keyboard.press("Enter");
    const dialog = tab.getByRole("alertdialog");
    await dialog.waitFor();
    assert.deepEqual(await axe(tab), [], "what will go");
    await tab.locator("[role=status].unseen").evaluate((e) => {
      window.said = [];
      new MutationObserver(() => window.said.push(e.textContent)).observe(e, { childList: true, characterData: true, subtree: true });
    });
    await to(dialog.getByRole("textbox"));
    await tab.keyboard.type("images-cache-26");
    await to(dialog.getByRole("button", { name: /^Delete/ }));
    await tab.keyboard.press("Enter");
    await tab.waitForURL(/applications$/);
    await tab.locator("#content:focus").waitFor();
    await tab.waitForFunction(() => window.said.some((words) => words.includes("images-cache-26")));
  }));

it("a sync is looked at before it is asked for, and a way back is chosen, with the keys alone", () =>
  visit({}, async (tab) => {
    const asked = [];
    tab.on("request", (r) => r.method() === "POST" && /\/(sync|rollback)$/.test(new URL(r.url()).pathname) && asked.push(new URL(r.url()).pathname.split("/").pop()));
    for (const [opener, choose, submit, want] of [[/^Sync…/, undefined, /^Sync$/, "sync"], [/^History/, /^Roll back/, /^Roll back/, "rollback"]]) {
      await ready(tab, "/applications/argocd/request-counter");
      const button = tab.getByRole("button", { name: opener }).first();
      await button.focus();
      await tab.keyboard.press("Enter");
      const dialog = tab.getByRole("dialog");
      await dialog.waitFor();
      for (const name of [choose, submit]) {
        if (!name) continue;
        const next = dialog.getByRole("button", { name }).last();
        await next.waitFor();
        for (let i = 0; i < 60 && !(await next.evaluate((e) => e === document.activeElement)); i++) await tab.keyboard.press("Tab");
        assert.deepEqual(await axe(tab), [], `${want}: before ${name}`);
        await tab.keyboard.press("Enter");
      }
      // How it goes is shown at once, and has the focus, until it is closed.
      await tab.waitForURL(/operation=true/);
      assert.equal(asked.pop(), want);
      await dialog.getByRole("button", { name: submit }).waitFor({ state: "detached" });
      await tab.waitForFunction(() => document.activeElement.closest("[role=dialog]"));
      await tab.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      await tab.waitForFunction((e) => e === document.activeElement, await button.elementHandle(), { timeout: 10_000 }).catch(async () => assert.fail(`${want}: the focus is at ${await tab.evaluate(() => document.activeElement.outerHTML.slice(0, 100))}`));
    }
  }));

/** opened opens what a sync will do, with the answers that are given it. */
async function opened(tab, answer) {
  await tab.route("**/api/v1/view/applications/argocd/web-cache-14/plan", answer);
  await ready(tab, "/applications/argocd/web-cache-14?deploy=all");
  const plan = tab.getByRole("dialog").locator(".plan");
  await plan.waitFor();
  return plan;
}

it("what a sync will do is known to be looked up anew after another choice, until that has been answered", () =>
  visit({}, async (tab) => {
    let held;
    const plan = await opened(tab, async (route) => {
      if (held !== undefined) await held;
      await route.fallback();
    });
    await tab.locator(".plan:not([aria-busy])").waitFor();
    let release;
    held = new Promise((done) => (release = done));
    await tab.getByRole("dialog").locator("label", { hasText: "Prune" }).first().click();
    await tab.locator(".plan[aria-busy=true]").waitFor();
    assert.notEqual(await plan.evaluate((e) => getComputedStyle(e).backgroundColor), "rgba(0, 0, 0, 0)", "how it is seen");
    release();
    await tab.locator(".plan:not([aria-busy])").waitFor();
  }));

it("a sync that is refused is not said to have nothing to do", () =>
  visit({}, async (tab) => {
    const plan = await opened(tab, async (route) => {
      const answer = await (await route.fetch()).json();
      await route.fulfill({ json: { ...answer, tasks: [], refusals: ["cluster tokyo: cannot be reached: connection refused; tried again by itself"] } });
    });
    assert.match(await plan.innerText(), /cannot be reached/);
    assert.doesNotMatch(await plan.innerText(), /Nothing is to be done/);
  }));

it("lines of a tree that were not looked for are muted, and can be read", () =>
  visit({}, async (tab) => {
    await ready(tab, "/applications/argocd/request-counter");
    await tab.locator("main input[type=search]").first().fill("pod");
    const dim = tab.locator(".object[data-dim] .o-name");
    await dim.first().waitFor();
    const colour = (of) => of.first().evaluate((e) => getComputedStyle(e).color);
    assert.notEqual(await colour(dim), await colour(tab.locator(".object[aria-level]:not([data-dim]) .o-name")));
    assert.deepEqual((await axe(tab)).filter((v) => v.startsWith("color-contrast")), []);
  }));
