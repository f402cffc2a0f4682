import { describe, expect, it } from "vitest";
import { created, emptyCluster, readyToCreate } from "./cluster";
import { contextsOf, filledFrom } from "./kubeconfig";

const pem = (what: string) => `-----BEGIN ${what}-----\nMII\n-----END ${what}-----`;
const data = (what: string) => btoa(`${pem(what)}\n`);
const config = (user: string, cluster = "") => `
apiVersion: v1
kind: Config
current-context: tokyo
contexts:
- {name: local, context: {cluster: here, user: me}}
- {name: tokyo, context: {cluster: tokyo-1, user: robot}}
clusters:
- {name: here, cluster: {server: "https://127.0.0.1:6443"}}
- name: tokyo-1
  cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: ${data("CERTIFICATE")}${cluster}}
users:
- {name: me, user: {token: mine}}
- {name: robot, user: {${user}}}
`;
const byToken = config("token: secret");
const byCertificate = config(`client-certificate-data: ${data("CERTIFICATE")}, client-key-data: ${data("PRIVATE KEY")}`, ", tls-server-name: api.tokyo");

describe("the contexts of a kubeconfig", () => {
  it.each([
    ["are all of it, with the current one", byToken, { contexts: ["local", "tokyo"], current: "tokyo" }],
    ["begin with the first one where the current one is not there", byToken.replace("current-context: tokyo", "current-context: gone"), { contexts: ["local", "tokyo"], current: "local" }],
    ["are none of another text", "hello", undefined],
    ["are none of text that is no YAML", "a: [", undefined],
    ["are none of another object", "kind: Secret\ndata: {}", undefined],
    ["are none of an empty list", "contexts: []\nclusters: []", undefined],
    ["are none of what is far too long", `${byToken}#${" ".repeat(1 << 20)}`, undefined],
    ["are none of aliases without end", `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefgh"].map((l, i) => `${l}: &${l} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]`).join("\n")}\ncontexts: *h\nclusters: *h`, undefined],
  ])("%s", (_, source, want) => expect(contextsOf(source)).toEqual(want));
});

describe("a form that a kubeconfig fills", () => {
  it("has address, authority and token", () =>
    expect(filledFrom(byToken, "tokyo")).toEqual({
      fields: { server: "https://10.0.0.1:6443", name: "tokyo-1", by: "token", token: "secret", cert: "", key: "", ca: pem("CERTIFICATE"), insecure: false, serverName: "" },
      gaps: [],
    }));

  it("has certificate, key and name of the server, and can be sent as it is", () => {
    const { fields, gaps } = filledFrom(byCertificate, "tokyo");
    expect(gaps).toEqual([]);
    const form = { ...emptyCluster, ...fields };
    expect(readyToCreate(form)).toBe(true);
    expect(created(form).config).toEqual({ tlsClientConfig: { insecure: false, serverName: "api.tokyo", caData: data("CERTIFICATE"), certData: data("CERTIFICATE"), keyData: data("PRIVATE KEY") } });
  });

  it("is of the context that was chosen", () => expect(filledFrom(byToken, "local").fields).toMatchObject({ server: "https://127.0.0.1:6443", token: "mine", ca: "" }));

  it.each([
    ["files", config("client-certificate: /home/me/cert.pem, client-key: /home/me/key.pem"), ["file"]],
    ["a program", config("exec: {command: aws}"), ["program"]],
    ["a password", config("username: me, password: x"), ["password"]],
    ["a proxy", config("token: x", ", proxy-url: http://proxy"), ["proxy"]],
    ["nothing that opens it", config(""), ["nothing"]],
    ["half a certificate", config(`client-certificate-data: ${data("CERTIFICATE")}`), ["nothing"]],
    ["what is no base64", config("client-certificate-data: '%', client-key-data: '%'"), ["nothing"]],
  ])("names what it has no place for: %s", (_, source, want) => expect(filledFrom(source, "tokyo").gaps).toEqual(want));

  it("of a context that is not there is empty", () => expect(filledFrom(byToken, "gone").fields).toMatchObject({ server: "", token: "" }));

  it("does not check the certificate where that is said", () => expect(filledFrom(config("token: x", ", insecure-skip-tls-verify: true"), "tokyo").fields.insecure).toBe(true));
});
