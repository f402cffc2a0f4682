// A browser for tests: Debian's Chromium. What the page would do wrong without anybody seeing it fails a test too:
// errors in the console, a script or style that the policy refused, a request to another host.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const page = process.env.PAGE;
const executablePath = ["/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const axeSource = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let browser;
export async function open() {
  const { existsSync } = await import("node:fs");
  browser ??= await chromium.launch({ executablePath: executablePath.find((p) => existsSync(p)), args: ["--no-sandbox"] });
  return browser;
}
export const close = async () => browser?.close();

/** visit opens a view, hands it to a test, and looks at the end at what went wrong in silence. */
export async function visit(options, test) {
  const { theme = "light", language = "en-US", width = 1440, height = 900, scale = 1, storage, motion = "reduce", allowed = [] } = options;
  const context = await (await open()).newContext({ viewport: { width, height }, deviceScaleFactor: scale, colorScheme: theme, locale: language, reducedMotion: motion, storageState: storage, ignoreHTTPSErrors: true });
  const wrong = [];
  try {
    const tab = await context.newPage();
    tab.on("console", (m) => {
      if (m.type() === "error" && !allowed.some((a) => a.test(m.text()))) wrong.push(`console: ${m.text()}`);
    });
    tab.on("pageerror", (e) => wrong.push(`error: ${e.message}`));
    tab.on("request", (r) => {
      const to = new URL(r.url());
      if (/^https?:$/.test(to.protocol) && to.origin !== new URL(page).origin) wrong.push(`request to ${to.origin}`);
    });
    await test(tab, context);
    assert.deepEqual(wrong, [], "what went wrong in silence");
  } finally {
    // What answers a request may be at it still, and has no page to answer any more.
    for (const one of [...context.pages(), context]) await one.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  }
}

export async function ready(tab, path) {
  await tab.goto(page + path);
  await tab.locator("[data-ready]").first().waitFor();
}

/** axe returns the violations of WCAG 2.2 A and AA, each as a line. */
export async function axe(tab) {
  // The policy of the page lets no foreign script in; what the debugger evaluates is none.
  const { readFileSync } = await import("node:fs");
  await tab.evaluate(readFileSync(axeSource, "utf8"));
  const found = await tab.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary?.split("\n").slice(1).join("; ").trim()}`));
}

/** overflow returns what is wider than the window, which would make the whole page scroll sideways. */
export const overflow = (tab) => tab.evaluate(() => (document.documentElement.scrollWidth > innerWidth ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => `${e.tagName}.${e.className}`) : []));
