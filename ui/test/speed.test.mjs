// The page with 5000 applications, and one with 5000 objects. Times are printed as figures; what fails a test is work:
// how much was drawn for what somebody sees.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, ready, visit } from "./browser.mjs";
import { keyed, watchKeys } from "./frames.mjs";

after(close);
const many = 5000;
const wide = { width: 1440, height: 900 };

/** watch counts what is put into the document and how long the browser was busy, from now on. */
const watch = (tab, line) =>
  tab.evaluate((line) => {
    window.work = { drawn: 0, long: [] };
    window.watching?.forEach((o) => o.disconnect());
    const drawn = new MutationObserver((all) => {
      for (const { addedNodes } of all) for (const n of addedNodes) if (n instanceof Element) window.work.drawn += (n.matches(line) ? 1 : 0) + n.querySelectorAll(line).length;
    });
    drawn.observe(document.getElementById("content"), { childList: true, subtree: true });
    const long = new PerformanceObserver((list) => window.work.long.push(...list.getEntries().map((e) => e.duration)));
    long.observe({ type: "longtask" });
    window.watching = [drawn, long];
  }, line);
const work = (tab) => tab.evaluate(() => window.work);
const high = (times, share) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))];
const ms = (n) => `${n.toFixed(0)} ms`;

/** letters are keys that one presses where one searches; each finds another number than the one before. */
const letters = ["w", "e", "Backspace", "^1", "2", "^g", "a", "^z", "Backspace", "r", "^s", "^o"];

/** plain puts in the place of the page what a browser needs at the least to do the same: a field, and the lines that are in
 * sight, of the same elements with the same style, which each key replaces by others. */
const plain = (tab, line) =>
  tab.evaluate((line) => {
    const field = document.querySelector('input[type="search"]').cloneNode();
    const list = document.querySelector(line).closest(".tiles, .table-lines");
    const within = list.parentElement.cloneNode();
    const box = list.cloneNode();
    const count = document.createElement("span");
    count.className = "count";
    const inSight = [...list.children].filter((e) => e.getBoundingClientRect().top < innerHeight);
    const others = inSight.map((e, i) => {
      const other = inSight[inSight.length - 1 - i].cloneNode(true);
      other.style.transform = e.style.transform;
      return other;
    });
    const sets = [inSight.map((e) => e.cloneNode(true)), others];
    let turn = 0;
    field.addEventListener("input", () => {
      count.textContent = `${++turn} turns`;
      box.replaceChildren(...sets[turn % 2].map((e) => e.cloneNode(true)));
    });
    const main = document.createElement("main");
    within.append(box);
    main.append(count, field, within);
    document.body.replaceChildren(main);
    return inSight.length;
  }, line);

const told = (seen) => {
  const times = seen.map((s) => s.presented);
  return `half within ${ms(high(times, 0.5))}, all within ${ms(Math.max(...times))}; in the document half within ${ms(high(seen.map((s) => s.changed), 0.5))}`;
};

/** scrolled scrolls by some lines in each frame, and returns the time between frames, and what of it is the page's own:
 * from the event until everything that it has changed is laid out. */
const scrolled = (tab) =>
  tab.evaluate(
    () =>
      new Promise((done) => {
        const frames = [];
        const own = [];
        let last = performance.now();
        let began;
        const begin = () => (began = performance.now());
        addEventListener("scroll", begin, { capture: true });
        const step = (now) => {
          if (began !== undefined) {
            document.body.getBoundingClientRect();
            own.push(performance.now() - began);
            began = undefined;
          }
          frames.push(now - last);
          last = now;
          scrollBy(0, 90);
          if (frames.length < 180) return requestAnimationFrame(step);
          removeEventListener("scroll", begin, { capture: true });
          done({ frames: frames.slice(1), own, lines: scrollY });
        };
        requestAnimationFrame(step);
      }),
  );

it("what this machine can do at best: an empty page that is scrolled", (t) =>
  visit(wide, async (tab) => {
    await ready(tab, "/applications");
    await tab.evaluate(() => {
      const empty = document.createElement("div");
      empty.style.height = "200000px";
      document.body.replaceChildren(empty);
    });
    const { frames } = await scrolled(tab);
    t.diagnostic(`figure: an empty page that is scrolled: half of the frames within ${ms(high(frames, 0.5))}, 95 of 100 within ${ms(high(frames, 0.95))}`);
  }));

for (const [view, line] of [["", ".tile"], ["?view=table", ".table-lines .line"]]) {
  it(`a filter of ${many} applications draws what is in sight${view && ", as a table"}`, (t) =>
    visit(wide, async (tab) => {
      tab.setDefaultTimeout(20_000);
      await ready(tab, `/applications${view}`);
      await tab.locator(".view-head", { hasText: "5,000 applications" }).waitFor();
      await watch(tab, line);
      await watchKeys(tab, ".view-head .muted");
      const seen = await keyed(tab, letters);
      const { drawn, long } = await work(tab);
      const inSight = await tab.locator(line).count();
      assert.ok(inSight <= 40, `${inSight} lines in the document`);
      // What was found nothing by is drawn anew; all else shows in the lines that there are.
      assert.ok(drawn <= 2 * inSight, `${drawn} lines drawn for ${letters.length} letters, ${inSight} in sight`);
      t.diagnostic(`figure: a letter that filters ${many} applications${view && " as a table"}: presented ${told(seen)}; longest task ${ms(Math.max(0, ...long))}`);
      const lines = await plain(tab, line);
      await watchKeys(tab, ".count");
      t.diagnostic(`figure: the limit: ${lines} lines of a page without a program, replaced by a letter${view && ", as a table"}: presented ${told(await keyed(tab, letters))}`);
    }));

  it(`scrolling through ${many} applications draws each once${view && ", as a table"}`, (t) =>
    visit(wide, async (tab) => {
      tab.setDefaultTimeout(20_000);
      await ready(tab, `/applications${view}`);
      await watch(tab, line);
      const { frames, own, lines } = await scrolled(tab);
      const { drawn, long } = await work(tab);
      const passed = view ? lines / 44 : (lines / 196) * 4;
      assert.ok(lines > 10_000, `scrolled by ${lines} px`);
      assert.ok(drawn <= passed + 120, `${drawn} lines drawn for ${passed.toFixed(0)} that were passed`);
      t.diagnostic(`figure: scrolling ${many} applications${view && " as a table"}: half of the frames within ${ms(high(frames, 0.5))}, 95 of 100 within ${ms(high(frames, 0.95))}; the page's own share, script and layout: ${ms(high(own, 0.5))}, ${ms(high(own, 0.95))}; ${long.length} tasks of more than 50 ms`);
    }));
}

it("an application of 5000 objects is a page of lines, and each of them can be come to", (t) =>
  visit(wide, async (tab) => {
      tab.setDefaultTimeout(20_000);
    const from = Date.now();
    await ready(tab, "/applications/argocd/request-counter");
    const took = Date.now() - from;
    const tree = tab.getByRole("treegrid");
    const lines = () => tree.getAttribute("aria-rowcount").then(Number);
    const folded = await lines();
    assert.ok(folded <= 60, `${folded} lines for 5000 objects`);
    const group = tree.getByRole("row", { name: /3,\d+ × ConfigMap/ });
    await group.focus();
    await watch(tab, ".object-lines .object");
    const opening = Date.now();
    await tab.keyboard.press("ArrowRight");
    await tab.waitForFunction(() => Number(document.querySelector('[role="treegrid"]').getAttribute("aria-rowcount")) > 3000);
    const opened = Date.now() - opening;
    await tab.keyboard.press("End");
    await tab.waitForFunction(() => {
      const row = document.activeElement;
      return row?.getAttribute("aria-rowindex") === row?.closest('[role="treegrid"]')?.getAttribute("aria-rowcount");
    });
    const { drawn } = await work(tab);
    const inSight = await tab.locator(".object-lines .object").count();
    assert.ok(inSight <= 80, `${inSight} lines in the document`);
    assert.ok(drawn <= 200, `${drawn} lines drawn`);
    t.diagnostic(`figure: an application of 5000 objects: seen after ${ms(took)} as ${folded} lines, a group of ${(await lines()) - folded} opened in ${ms(opened)}`);
  }));
