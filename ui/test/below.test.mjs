// The page below a path of somebody else's address: nothing it asks for, and nowhere it leads, is outside.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, page, ready, visit } from "./browser.mjs";

after(close);
const root = new URL(page).pathname;

it("what is asked for and where links lead is below the path", () =>
  visit({}, async (tab) => {
    const outside = [];
    tab.on("request", (r) => new URL(r.url()).pathname.startsWith(`${root}/`) || outside.push(r.url()));
    for (const path of ["/", "/applications", "/applications?view=table", "/applications/argocd/web-gate-7", "/rollouts", "/rollouts/demo/request-counter", "/deliveries", "/new", "/settings/repositories"]) {
      await ready(tab, path);
      const links = await tab.locator("a[href]").evaluateAll((all) => all.map((a) => a.href).filter((h) => new URL(h).origin === location.origin));
      assert.deepEqual(links.filter((h) => !`${new URL(h).pathname}/`.startsWith(`${root}/`)), [], `links of ${path}`);
    }
    await ready(tab, "/applications");
    await tab.getByRole("link", { name: "api-cache-22", exact: true }).click();
    await tab.waitForURL(`${page}/applications/argocd/api-cache-22`);
    await tab.reload();
    await tab.getByRole("heading", { name: "api-cache-22" }).waitFor();
    await tab.getByRole("banner").getByText("Live", { exact: true }).waitFor();
    assert.deepEqual(outside, [], "what was asked for outside");
  }));
