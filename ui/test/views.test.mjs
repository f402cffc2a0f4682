// Every view, in both themes, both languages and two widths: for everybody to read, within the window, nothing refused.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, it } from "node:test";
import { axe, close, overflow, ready, visit } from "./browser.mjs";

const views = {
  overview: "/",
  applications: "/applications",
  "applications-table": "/applications?view=table",
  rollout: "/rollouts/demo/request-counter",
  "rollout-degraded": "/rollouts/situations/degraded?pods=true",
  "rollout-canary": "/rollouts/situations/canary",
  "rollout-replay": "/rollouts/demo/request-counter?replay=7",
  rollouts: "/rollouts?sort=phase",
  deliveries: "/deliveries",
  delivery: "/deliveries/argocd/web-front-7/1000",
  application: "/applications/argocd/request-counter",
  "application-degraded": "/applications/argocd/web-gate-7",
  "application-list": "/applications/argocd/request-counter?view=list",
  "application-pods": "/applications/argocd/request-counter?view=pods",
  "application-network": "/applications/argocd/request-counter?view=network",
  "application-drawn": "/applications/argocd/request-counter?graph=true",
  ...Object.fromEntries(["summary", "diff", "manifest", "events"].map((tab) => [`panel-${tab}`, `/applications/argocd/web-gate-7?node=${encodeURIComponent("apps/Deployment/team-7/web-gate-7")}&tab=${tab}`])),
  "panel-logs": `/applications/argocd/web-gate-7?node=${encodeURIComponent("/Pod/team-7/web-gate-7-6f8-0")}&tab=logs`,
};
/** opened are what stands over a view: what is pressed for it, by the names in both languages. */
const press = (name) => (tab) => tab.getByRole("button", { name }).first().click();
const opened = {
  "dialog-sync": ["/applications/argocd/web-cache-14", press(/^(Sync|同期)…/)],
  "dialog-history": ["/applications/argocd/web-cache-14", press(/^(History|履歴)/)],
  "dialog-delete": ["/applications/argocd/web-cache-14", press(/^(Delete|削除)/)],
  "dialog-abort": ["/rollouts/situations/degraded", press(/^(Abort|中止)/)],
  "dialog-repository": ["/settings/repositories", press(/^(Add|追加)/)],
  "dialog-cluster": ["/settings/clusters", press(/^(Add|追加)/)],
  palette: ["/", (tab) => tab.keyboard.press("Control+k").then(() => tab.keyboard.type("web"))],
  filters: ["/applications", press(/^(Filters|絞り込み)/)],
};
const shop = encodeURIComponent(JSON.stringify({ metadata: { name: "shop" }, spec: { project: "shop", source: { repoURL: "https://git.example/shop/deploy.git", path: "apps/shop/overlays/production" }, destination: { namespace: "shop" }, syncPolicy: { automated: { prune: true }, retry: { limit: 5 } } } }));
Object.assign(views, {
  "new": "/new",
  "new-filled": `/new?new=${shop}`,
  "new-yaml": `/new?as=yaml&new=${shop}`,
  edit: "/applications/argocd/request-counter/edit",
  ...Object.fromEntries(["repositories", "clusters", "projects?project=shop", "windows", "accounts", "account", "roles?subject=aiko", "config", "about"].map((s) => [`settings-${s.split("?")[0]}`, `/settings/${s}`])),
});
const looks = [
  { theme: "light", language: "en-US", width: 1440 },
  { theme: "dark", language: "ja-JP", width: 1440 },
  { theme: "dark", language: "en-US", width: 390, height: 844 },
  { theme: "light", language: "ja-JP", width: 390, height: 844 },
];
const pictures = process.env.PICTURES;
if (pictures) mkdirSync(pictures, { recursive: true });

after(close);
const all = [...Object.entries(views).map(([name, path]) => [name, path]), ...Object.entries(opened).map(([name, [path, open]]) => [name, path, open])];
for (const [name, path, open] of all) {
  for (const look of looks) {
    it(`${name}: ${look.theme}, ${look.language}, ${look.width} px`, async () => {
      await visit(look, async (tab) => {
        await ready(tab, path);
        if (open) {
          await open(tab);
          await tab.locator("[role=dialog], [role=alertdialog], .filters").first().waitFor();
        }
        await tab.evaluate(() => document.fonts.ready);
        // Lines of a list have their places once they are measured; before, some lie upon others.
        await tab.waitForFunction(() => {
          const lines = [...document.querySelectorAll("li[data-index]")].sort((a, b) => a.dataset.index - b.dataset.index).map((line) => line.getBoundingClientRect());
          return lines.every((line, i) => i === 0 || line.top >= lines[i - 1].bottom - 1);
        });
        if (pictures) await tab.screenshot({ path: `${pictures}/${name}-${look.theme}-${look.language.slice(0, 2)}-${look.width}.png` });
        assert.deepEqual(await axe(tab), [], "what is not for everybody");
        assert.deepEqual(await overflow(tab), [], "what is wider than the window");
        assert.equal(await tab.locator("h1").count(), 1, "headings of the view");
        assert.equal(await tab.evaluate(() => document.documentElement.lang), look.language.slice(0, 2));
      });
    });
  }
}

const paper = { ...looks[1], language: "en-US", width: 1040, height: 720 };
for (const [name, path, open] of all.filter(([n]) => n !== "palette" && n !== "filters")) {
  it(`${name}: on paper`, () =>
    visit(paper, async (tab) => {
      await ready(tab, path);
      if (open) {
        await open(tab);
        await tab.locator("[role=dialog], [role=alertdialog]").first().waitFor();
      }
      await tab.emulateMedia({ media: "print", colorScheme: "dark" });
      if (pictures) await tab.screenshot({ path: `${pictures}/${name}-paper.png`, fullPage: true });
      assert.equal(await tab.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), "rgb(255, 255, 255)");
      assert.deepEqual(await tab.locator(".bar:visible, .button:visible, .input[type=search]:visible").allTextContents(), [], "what can be pressed on paper");
      assert.deepEqual((await axe(tab)).filter((v) => v.startsWith("color-contrast")), [], "what cannot be read on paper");
      assert.deepEqual(await overflow(tab), [], "what is wider than the paper");
      assert.deepEqual(await tab.locator(".settings .section:visible, .settings .project:visible").evaluateAll((all) => all.map((e) => e.getBoundingClientRect().width).filter((w) => w < innerWidth * 0.8)), [], "what is torn into letters");
      assert.deepEqual(await tab.locator(".table .line .col-name:visible a").evaluateAll((all) => all.filter((e) => e.scrollWidth > e.parentElement.clientWidth + 1 || e.getBoundingClientRect().height > 60).map((e) => e.textContent)), [], "names that are cut");
    }));
}

it("all lines of a list are printed, and those out of sight go again", () =>
  visit(paper, async (tab) => {
    for (const [path, line] of [["/applications", ".tile"], ["/applications?view=table", ".table-lines .line"]]) {
      await ready(tab, path);
      // Other stories make applications of their own.
      const all = await tab.evaluate(async () => (await (await fetch("/api/v1/view/applications")).json()).items.length);
      const seen = await tab.locator(line).count();
      assert.ok(seen < all, `${seen} lines in sight`);
      await tab.evaluate((line) => addEventListener("beforeprint", () => (window.printed = document.querySelectorAll(line).length)), line);
      await tab.pdf();
      assert.equal(await tab.evaluate(() => window.printed), all);
      await tab.waitForFunction(([line, seen]) => document.querySelectorAll(line).length === seen, [line, seen]);
      await tab.emulateMedia({ media: "print" });
      await tab.waitForFunction(([line, all]) => document.querySelectorAll(line).length === all, [line, all]);
      const tops = await tab.locator(line).evaluateAll((all) => all.map((e) => e.getBoundingClientRect().top));
      assert.deepEqual(tops, tops.toSorted((a, b) => a - b), "the order on paper");
      await tab.emulateMedia({ media: "screen" });
    }
  }));
