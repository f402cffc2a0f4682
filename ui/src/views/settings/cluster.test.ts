import { describe, expect, it } from "vitest";
import { changed, created, emptyCluster, fieldsOf, isHome, readyToChange, readyToCreate } from "./cluster";

const filled = { ...emptyCluster, server: " https://10.0.0.1:6443 ", token: " secret ", ca: "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----" };

describe("a cluster that is registered", () => {
  it("has its authority in base64, and its address for a name where it has none", () =>
    expect(created(filled)).toEqual({
      server: "https://10.0.0.1:6443", name: "https://10.0.0.1:6443", namespaces: [],
      config: { bearerToken: "secret", tlsClientConfig: { insecure: false, caData: btoa("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n") } },
    }));

  it("has namespaces, however they are divided, and a project", () => {
    const { namespaces, project, name } = created({ ...filled, name: "tokyo", namespaces: "shop,  mail\nsearch,", project: "core" });
    expect({ namespaces, project, name }).toEqual({ namespaces: ["shop", "mail", "search"], project: "core", name: "tokyo" });
  });

  it.each([
    ["whose certificate is not checked", { ...filled, insecure: true }],
    ["of a public authority", { ...filled, ca: " \n" }],
  ])("has no authority: one %s", (_, f) => expect(created(f).config.tlsClientConfig).toEqual({ insecure: f.insecure }));

  it.each([
    ["an address and a token", {}, true],
    ["no token", { token: " " }, false],
    ["no address", { server: "" }, false],
    ["a certificate and its key", { by: "certificate", token: "", cert: "C", key: "K" }, true],
    ["a certificate without its key", { by: "certificate", cert: "C" }, false],
    ["a key without its certificate", { by: "certificate", key: "K" }, false],
    ["an address without a scheme", { server: "10.0.0.1" }, false],
    ["an address of another scheme", { server: "javascript:alert(1)" }, false],
  ] as const)("is asked with %s: %j %s", (_, more, want) => expect(readyToCreate({ ...filled, ...more })).toBe(want));

  it("sends a certificate without the token that was typed before, and the name that it is checked for", () =>
    expect(created({ ...filled, by: "certificate", cert: " C ", key: "K", ca: "", serverName: " api.tokyo " }).config).toEqual({ tlsClientConfig: { insecure: false, serverName: "api.tokyo", certData: btoa("C\n"), keyData: btoa("K\n") } }));
});

describe("a cluster that is changed", () => {
  const there = { server: "https://10.0.0.1:6443", name: "tokyo", namespaces: ["shop", "mail"], project: "core" };

  it("is opened as before, without a token", () =>
    expect(changed({ ...fieldsOf(there), ca: "forgotten" })).toEqual({ body: { name: "tokyo", namespaces: ["shop", "mail"], project: "core" }, updatedFields: ["name", "namespaces", "project"] }));

  it("has fields that were made empty", () =>
    expect(changed({ ...fieldsOf(there), namespaces: "", project: "", name: "" }).body).toEqual({ name: there.server, namespaces: [], project: "" }));

  it.each([
    ["a certificate", { cert: "C", key: "K" }, true, ["name", "namespaces", "project", "config"]],
    ["half a certificate", { cert: "C" }, false, ["name", "namespaces", "project"]],
    ["no certificate", {}, true, ["name", "namespaces", "project"]],
  ] as const)("is opened by %s", (_, more, ready, fields) => {
    const form = { ...fieldsOf(there), by: "certificate" as const, ...more };
    expect([readyToChange(form), changed(form).updatedFields]).toEqual([ready, fields]);
  });

  it("is opened by another token", () => {
    const { body, updatedFields } = changed({ ...fieldsOf(there), token: "new" });
    expect(updatedFields).toEqual(["name", "namespaces", "project", "config"]);
    expect(body["config"]).toEqual({ bearerToken: "new", tlsClientConfig: { insecure: false } });
  });
});

it.each([
  ["https://kubernetes.default.svc", "in-cluster", true],
  ["https://kubernetes.default.svc", "registered", false],
  ["https://10.0.0.1", "in-cluster", false],
])("the server runs in %s as %s: %s", (server, name, want) => expect(isHome({ server, name })).toBe(want));
