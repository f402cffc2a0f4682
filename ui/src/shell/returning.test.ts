import { expect, it } from "vitest";
import { returnTo } from "./returning";

const base = new URL("https://cyan.example/cd/");
const asked = (url: string, pathname = "/cd/login") => returnTo({ pathname, search: `?return_url=${encodeURIComponent(url)}`, origin: "https://cyan.example" }, base);

it.each([
  ["/cd/applications?view=table#x", "/cd/applications?view=table#x"],
  ["applications/argocd/shop", "/cd/applications/argocd/shop"],
  ["https://cyan.example/cd/rollouts", "/cd/rollouts"],
  ["/cd/", "/cd/"],
  ["https:evil.example", "/cd/evil.example"],
])("goes on at %s", (url, to) => expect(asked(url)).toBe(to));

it.each([
  "",
  "https://evil.example/cd/",
  "//evil.example/cd/",
  "/\\evil.example/cd/",
  "\\\\evil.example/cd/",
  "https://cyan.example@evil.example/cd/",
  "https://a:b@cyan.example/cd/",
  "http://cyan.example/cd/",
  "javascript:alert(1)",
  "data:text/html,x",
  "/elsewhere",
  "/cd/../elsewhere",
  "/cdx/",
  "\t//evil.example/cd/",
  "https://[",
])("does not go to %s", (url) => expect(asked(url)).toBeUndefined());

it("asks nothing of another view", () => expect(asked("/cd/rollouts", "/cd/applications")).toBeUndefined());
