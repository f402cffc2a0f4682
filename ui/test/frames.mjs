// When what a key changed was seen: from the key's own time to the frame that was presented with the change in it. The
// browser tells it of every frame; what a script can ask ends before layout, paint and raster.

/** heard are the events that are asked for: marks of the page, and the steps of each frame. */
const heard = ["blink.user_timing", "disabled-by-default-devtools.timeline.frame"];

/** watchKeys has a page mark when a key was pressed, and when what is seen in an element changed. */
export const watchKeys = (tab, element) =>
  tab.evaluate((element) => {
    window.changes = 0;
    addEventListener("keydown", (e) => performance.mark("key", { startTime: e.timeStamp, detail: { late: performance.now() - e.timeStamp } }), true);
    new MutationObserver(() => {
      performance.mark("changed");
      window.changes++;
    }).observe(document.querySelector(element), { characterData: true, childList: true, subtree: true });
  }, element);

/** traced returns what the browser has told of its frames while something was done. */
async function traced(tab, act) {
  const cdp = await tab.context().browser().newBrowserCDPSession();
  const events = [];
  cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: heard, excludedCategories: ["*"] } });
  await act();
  const complete = new Promise((done) => cdp.once("Tracing.tracingComplete", done));
  await cdp.send("Tracing.end");
  await complete;
  await cdp.detach();
  return events.sort((a, b) => a.ts - b.ts);
}

/** shown returns, in milliseconds after a key, when what it changed first was in the document, and when it was presented. */
function shown(events) {
  const key = events.find((e) => e.name === "key");
  const page = events.filter((e) => e.pid === key.pid);
  const changed = page.find((e) => e.name === "changed" && e.ts >= key.ts);
  const commit = page.find((e) => e.name === "Commit" && e.ph === "b" && e.ts >= changed?.ts);
  const end = page.find((e) => e.name === "PipelineReporter" && e.ph === "e" && e.ts >= commit?.ts && e.id2?.local === commit.id2?.local);
  if (!end) return undefined;
  const frames = page.filter((e) => e.name === "Commit" && e.ph === "b" && e.ts >= key.ts).length;
  return { changed: (changed.ts - key.ts) / 1000, presented: (end.ts - key.ts) / 1000, frames };
}

/** keyed presses keys one after another, each when what the one before has begun is over, and returns when each was seen.
 * A key that begins with ^ takes the place of all that was typed. */
export async function keyed(tab, keys) {
  const input = tab.getByRole("searchbox");
  const seen = [];
  for (const key of keys) {
    await input.evaluate((i, all) => (i.focus(), all && i.select()), key.startsWith("^"));
    const before = await tab.evaluate(() => window.changes);
    const events = await traced(tab, async () => {
      await tab.keyboard.press(key.replace("^", ""));
      await tab.waitForFunction((before) => window.changes > before, before);
      // What rests is idle for as long as the address waits.
      await tab.evaluate(() => new Promise((done) => setTimeout(done, 400)));
    });
    seen.push({ key, ...shown(events) });
  }
  return seen;
}
