// An Application is created and edited, and tokens are made, as people do it.
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { close, ready, visit } from "./browser.mjs";

after(close);
const refused = { allowed: [/status of 4\d\d/] };
const field = (tab, name) => tab.getByRole("textbox", { name, exact: true }).or(tab.getByRole("combobox", { name, exact: true }));

it("an application is created by form, with folders of the repository to choose from", () =>
  visit({}, async (tab) => {
    await ready(tab, "/new");
    await field(tab, "Name").fill("made-by-form");
    await field(tab, "Repository").fill("https://git.example/shop/deploy.git");
    await tab.keyboard.press("Tab");
    await tab.getByText(/folders with manifests/).waitFor();
    await field(tab, "Path").fill("apps/mail");
    await tab.getByRole("option", { name: /apps\/mail\/overlays\/production/ }).click();
    assert.equal(await field(tab, "Path").inputValue(), "apps/mail/overlays/production");
    await field(tab, "Namespace").fill("mail");
    await tab.getByText("4 objects").waitFor();
    const line = await tab.locator(".commands code").textContent();
    assert.match(line, /^cyan app create made-by-form/);
    assert.match(line, /--path apps\/mail\/overlays\/production/);
    await tab.getByRole("button", { name: "Create", exact: true }).click();
    await tab.waitForURL(/applications\/argocd\/made-by-form$/);
  }));

it("what is written is the same as form and as YAML, and is there after a reload", () =>
  visit({}, async (tab) => {
    await ready(tab, "/new");
    await field(tab, "Name").fill("kept");
    await tab.getByRole("button", { name: "YAML", exact: true }).click();
    const editor = tab.getByRole("textbox", { name: "Application as YAML" });
    await editor.getByText("name: kept").waitFor();
    await editor.click();
    await tab.keyboard.press("Control+End");
    await tab.keyboard.type("# said by hand");
    await tab.reload();
    await editor.getByText("# said by hand").waitFor();
    await tab.getByRole("button", { name: "Form", exact: true }).click();
    assert.equal(await field(tab, "Name").inputValue(), "kept");
    await field(tab, "Name").fill("kept-too");
    await tab.getByRole("button", { name: "YAML", exact: true }).click();
    await editor.getByText("name: kept-too").waitFor();
    await editor.getByText("# said by hand").waitFor();
  }));

it("a fault of the YAML is told at its line, and the form waits until it is mended", () =>
  visit({}, async (tab) => {
    await ready(tab, "/new?as=yaml");
    await tab.getByRole("textbox", { name: "Application as YAML" }).click();
    await tab.keyboard.press("Control+End");
    await tab.keyboard.type("a: [");
    await tab.locator(".lines", { hasText: /Line 1\d:/ }).waitFor();
    await tab.getByRole("button", { name: "Form", exact: true }).click();
    assert.equal(await field(tab, "Name").isDisabled(), true);
  }));

it("what the server refuses is told at the field, which has the focus", () =>
  visit(refused, async (tab) => {
    const link = { metadata: { name: "shop" }, spec: { project: "nowhere", source: { repoURL: "https://git.example/shop/deploy.git", path: "plain" }, destination: { namespace: "shop" } } };
    await ready(tab, `/new?new=${encodeURIComponent(JSON.stringify(link))}`);
    await field(tab, "Project").waitFor();
    await tab.getByRole("button", { name: "Create", exact: true }).click();
    await tab.locator(".fault", { hasText: "AppProject nowhere: not found" }).waitFor();
    await tab.waitForFunction(() => document.activeElement?.getAttribute("data-path") === "spec.project");
  }));

it("who edits what was changed meanwhile is shown that, and keeps both", () =>
  visit(refused, async (tab) => {
    await ready(tab, "/applications/argocd/mail-cache-2/edit");
    await field(tab, "Namespace").fill("elsewhere");
    await tab.getByRole("button", { name: "Review 1 change" }).click();
    await tab.getByRole("row", { name: /spec.destination.namespace/ }).waitFor();
    await tab.getByRole("button", { name: "Save" }).click();
    await tab.getByRole("row", { name: /spec.revisionHistoryLimit/ }).waitFor();
    await tab.getByRole("button", { name: "Put mine on top, and review" }).click();
    await tab.getByRole("button", { name: "Review 1 change" }).click();
    await tab.getByRole("button", { name: "Save" }).click();
    await tab.waitForURL(/applications\/argocd\/mail-cache-2$/);
  }));

it("a token is shown once, and revoked", () =>
  visit({}, async (tab) => {
    await ready(tab, "/settings/accounts");
    const row = tab.locator(".rows > li", { hasText: "aiko" });
    await row.getByRole("button", { name: "New token" }).click();
    await tab.getByLabel("Name", { exact: true }).fill("laptop");
    await tab.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await tab.getByText("Copy the token now").waitFor();
    await tab.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    await row.getByText("laptop").waitFor();
    assert.equal(await tab.getByText("eyJ").count(), 0);
    await row.getByRole("button", { name: "Revoke: laptop" }).click();
    await tab.getByRole("alertdialog").getByRole("button", { name: "Revoke" }).click();
    await row.getByText("laptop").waitFor({ state: "detached" });
  }));

it("a repository is tested before it is added", () =>
  visit(refused, async (tab) => {
    await ready(tab, "/settings/repositories");
    await tab.getByRole("button", { name: "Add" }).click();
    const dialog = tab.getByRole("dialog");
    await dialog.getByLabel("URL", { exact: true }).fill("https://git.example/wrong.git");
    await dialog.getByRole("button", { name: "Test https://git.example/wrong.git" }).click();
    await dialog.getByText("authentication failed").waitFor();
    // What was said of another URL goes when one writes on.
    await dialog.getByLabel("URL", { exact: true }).fill("https://git.example/right.git");
    assert.equal(await dialog.getByText("authentication failed").count(), 0);
    await dialog.getByRole("button", { name: "Test https://git.example/right.git" }).click();
    await dialog.getByText("Connected").waitFor();
    assert.equal(await tab.locator(".rows > li", { hasText: "right.git" }).count(), 0);
  }));

it("a cluster is added if it answers, changed and removed", () =>
  visit(refused, async (tab) => {
    const sent = [];
    tab.on("request", (r) => /\/clusters/.test(r.url()) && r.method() !== "GET" && sent.push(`${r.method()} ${new URL(r.url()).search} ${r.postData() ?? ""}`));
    await ready(tab, "/settings/clusters");
    await tab.getByRole("button", { name: "Add" }).click();
    const dialog = tab.getByRole("dialog");
    const add = dialog.getByRole("button", { name: "Test and add" });
    assert.equal(await add.isDisabled(), true);
    await dialog.getByLabel("API server").fill("https://10.1.1.1:6443/wrong");
    await dialog.getByLabel("Bearer token").fill("secret");
    await add.click();
    await dialog.getByText("connection refused").waitFor();
    await dialog.getByLabel("API server").fill("https://10.1.1.1:6443");
    await dialog.getByLabel("Name", { exact: true }).fill("osaka");
    await add.click();
    await dialog.waitFor({ state: "detached" });
    const row = tab.locator(".rows > li", { hasText: "10.1.1.1" });
    await row.getByText("Connected").waitFor();
    await row.getByRole("button", { name: "Change osaka" }).click();
    await dialog.getByLabel("Namespaces").fill("shop mail");
    await dialog.getByRole("button", { name: "Test and save" }).click();
    await row.getByText("only shop, mail").waitFor();
    assert.equal(sent.at(-1), `PUT ?updatedFields=name&updatedFields=namespaces&updatedFields=project ${JSON.stringify({ name: "osaka", namespaces: ["shop", "mail"], project: "" })}`);
    await row.getByRole("button", { name: "Remove osaka" }).click();
    await tab.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
    // Of the cluster that the server runs in nothing is kept that could be changed.
    await tab.getByRole("button", { name: "Remove in-cluster" }).click();
    assert.equal(await tab.getByRole("alertdialog").count(), 0);
  }));

it("a kubeconfig fills the form of a cluster, and goes out of sight", () =>
  visit({}, async (tab) => {
    const sent = [];
    tab.on("request", (r) => r.method() === "POST" && /\/clusters$/.test(r.url()) && sent.push(r.postDataJSON()));
    await ready(tab, "/settings/clusters");
    await tab.getByRole("button", { name: "Add" }).click();
    const dialog = tab.getByRole("dialog");
    await dialog.getByText("Fill in from a kubeconfig").click();
    const paste = dialog.getByLabel("Kubeconfig, as YAML");
    await paste.fill("hello");
    await dialog.getByText("No kubeconfig with contexts").waitFor();
    const data = (what) => btoa(`-----BEGIN ${what}-----\nMII\n-----END ${what}-----\n`);
    await paste.fill(JSON.stringify({
      "current-context": "b",
      contexts: [{ name: "a", context: { cluster: "a", user: "a" } }, { name: "b", context: { cluster: "b", user: "b" } }],
      clusters: [{ name: "a", cluster: { server: "https://10.0.0.1:6443" } }, { name: "b", cluster: { server: "https://10.0.0.2:6443", "tls-server-name": "api.b" } }],
      users: [{ name: "a", user: { exec: { command: "aws" } } }, { name: "b", user: { "client-certificate-data": data("CERTIFICATE"), "client-key-data": data("PRIVATE KEY") } }],
    }));
    await dialog.getByText("Filled in from context b.").waitFor();
    assert.equal(await paste.inputValue(), "");
    assert.equal(await dialog.getByLabel("API server").inputValue(), "https://10.0.0.2:6443");
    assert.equal(await dialog.getByLabel("Client certificate", { exact: true }).isChecked(), true);
    await dialog.getByLabel("Context").selectOption("a");
    await dialog.getByText("It opens the cluster by a program").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Test and add" }).isDisabled(), true);
    await dialog.getByLabel("Context").selectOption("b");
    await dialog.getByRole("button", { name: "Test and add" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(sent, [{ server: "https://10.0.0.2:6443", name: "b", namespaces: [], config: { tlsClientConfig: { insecure: false, serverName: "api.b", certData: data("CERTIFICATE"), keyData: data("PRIVATE KEY") } } }]);
  }));

it("bookmarks of settings and of the own account lead to where these are", () =>
  visit({}, async (tab) => {
    for (const [path, title] of [["/settings/repos", "Repositories"], ["/user-info", "Your account"], ["/settings", "Repositories"]]) {
      await ready(tab, path);
      await tab.getByRole("heading", { name: title, level: 2 }).waitFor();
    }
  }));
