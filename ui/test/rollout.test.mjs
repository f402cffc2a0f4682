// What people do where a version is replaced: they wait for the switch, promote, look at it again, and ask where the time went.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, ready, visit } from "./browser.mjs";

after(close);

const path = "/rollouts/demo/request-counter";
const traffic = (tab) => tab.locator('.service[data-role="active"]').getAttribute("data-side");

it("a promotion swings the traffic to the other colour, and is read out", async () => {
  await visit({}, async (tab) => {
    await ready(tab, path);
    const promote = tab.locator('.next [data-action="promote"] .button.main:not([data-off])');
    await promote.waitFor({ timeout: 90_000 });
    const before = await traffic(tab);
    const arrow = tab.locator('.arrow[data-role="active"] .arrow-line');
    const pointed = await arrow.getAttribute("d");
    await promote.click();
    await tab.locator(`.service[data-role="active"]:not([data-side="${before}"])`).waitFor();
    await tab.waitForFunction((d) => document.querySelector('.arrow[data-role="active"] .arrow-line').getAttribute("d") !== d, pointed);
    await tab.getByText(/(^|\. )Switched: the traffic goes to (Blue|Green), revision \d+ now/).waitFor({ state: "attached" });
    assert.match(await tab.locator(".stage figcaption").textContent(), /The traffic goes through Service request-counter to (Blue|Green), revision \d+/);
  });
});

it("what is not taken back is asked twice, and Escape asks for nothing", async () => {
  await visit({}, async (tab) => {
    const asked = [];
    tab.on("request", (r) => r.method() === "POST" && asked.push(new URL(r.url()).pathname));
    await ready(tab, "/rollouts/situations/degraded");
    const abort = tab.locator('.next [data-action="abort"]').getByRole("button", { name: "Abort" });
    await abort.focus();
    await tab.keyboard.press("Enter");
    await tab.getByRole("alertdialog").waitFor();
    await tab.keyboard.press("Escape");
    await tab.getByRole("alertdialog").waitFor({ state: "detached" });
    assert.deepEqual(asked, []);
    await tab.waitForFunction(() => document.activeElement?.textContent?.startsWith("Abort"));
    await tab.keyboard.press("Enter");
    await tab.getByRole("alertdialog").getByRole("button", { name: "Abort" }).click();
    await tab.getByRole("alertdialog").waitFor({ state: "detached" });
    assert.deepEqual(asked, ["/api/v1/rollouts/situations/degraded/abort"]);
  });
});

it("a button that cannot be pressed says why", async () => {
  await visit({}, async (tab) => {
    await ready(tab, "/rollouts/situations/may-only-look");
    const button = tab.getByRole("button", { name: "Restart" });
    await button.focus();
    await tab.getByRole("tooltip").filter({ hasText: "your account lacks the right “rollouts, restart, default/situations/may-only-look”" }).waitFor();
  });
});

it("a replay is stepped through by keyboard, and its moment is in the address", async () => {
  await visit({}, async (tab) => {
    await ready(tab, `${path}?replay=3`);
    const slider = tab.getByRole("slider");
    await slider.focus();
    await tab.keyboard.press("ArrowRight");
    await tab.waitForURL(/replay=4$/);
    await tab.keyboard.press("Home");
    await tab.waitForURL(/replay=1$/);
    await tab.getByRole("button", { name: "Back to now" }).click();
    await tab.waitForURL((url) => !url.search.includes("replay"));
  });
});

for (const motion of ["no-preference", "reduce"]) {
  it(`the arrow of a Service swings over at the switch, and light runs where a commit is; not for who wants nothing to move: ${motion}`, async () => {
    const moves = motion === "no-preference";
    await visit({ motion }, async (tab) => {
      // The seventh event is the one before the switch.
      await ready(tab, `${path}?replay=7`);
      const arrow = tab.locator('.arrow[data-role="active"]');
      const before = await arrow.locator(".arrow-line").getAttribute("d");
      await arrow.evaluate((e) => {
        window.swung = [];
        new MutationObserver(() => window.swung.push(e.hasAttribute("data-swings"))).observe(e, { attributes: true, attributeFilter: ["data-swings"] });
      });
      await tab.getByRole("slider").press("ArrowRight");
      await tab.waitForURL(/replay=8$/);
      await tab.waitForFunction((d) => document.querySelector('.arrow[data-role="active"]:not([data-swings]) .arrow-line')?.getAttribute("d") !== d, before);
      assert.equal(await tab.evaluate(() => window.swung.includes(true)), moves, "whether it swings");
      await ready(tab, "/");
      const running = tab.locator('.moving .track li[data-state="running"]').first();
      await running.waitFor({ timeout: 90_000 });
      const { name, seconds } = await running.evaluate((e) => ({ name: getComputedStyle(e, "::before").animationName, seconds: Number.parseFloat(getComputedStyle(e, "::before").animationDuration) }));
      assert.equal(name, "flow");
      assert.equal(seconds > 0.1, moves, `${seconds} s`);
    });
  });
}

it("a rollout of before plays by itself, to its end", async () => {
  await visit({}, async (tab) => {
    await ready(tab, `${path}?replay=play`);
    const slider = tab.getByRole("slider");
    await tab.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await tab.getByRole("button", { name: "Play", exact: true }).waitFor({ timeout: 60_000 });
    assert.equal(await slider.inputValue(), await slider.getAttribute("max"));
    await tab.waitForURL(/replay=\d+$/);
  });
});

it("rollouts are found by what is typed, by phase, and by who is waited for", async () => {
  await visit({}, async (tab) => {
    await ready(tab, "/rollouts?phase=Degraded");
    const names = () => tab.locator(".lines h2").allTextContents();
    assert.deepEqual(await names(), ["aborted", "degraded", "lost-service"]);
    await tab.getByRole("searchbox").fill("lost");
    await tab.waitForURL(/search=lost/);
    assert.deepEqual(await names(), ["lost-service"]);
    await tab.getByRole("button", { name: "Clear filters" }).click();
    await tab.waitForURL((url) => url.search === "");
  });
});

it("a delivery says where its time went, and its lead times are there as a table", async () => {
  await visit({}, async (tab) => {
    await ready(tab, "/deliveries?state=Waiting&application=web-front-7");
    await tab.getByRole("link", { name: "web-front-7" }).click();
    await tab.getByText("Waits at: Preview").waitFor();
    await tab.locator(".lead-chart canvas").waitFor();
    await tab.locator(".lead-table summary").click();
    assert.ok((await tab.locator(".lead-table tbody tr").count()) > 5);
    assert.equal(await tab.locator('a[href^="javascript:"]').count(), 0);
    await tab.getByRole("navigation", { name: /before and after/ }).getByRole("link").first().click();
    await tab.waitForURL(/web-front-7\/\d+$/);
  });
});
