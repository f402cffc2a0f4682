import { afterEach, describe, expect, it, vi } from "vitest";

vi.hoisted(() => vi.stubGlobal("document", { documentElement: { lang: "en" } }));
const { setLanguage } = await import(".");
const { byWhom, inLanguage } = await import("./said");

await setLanguage("en");
afterEach(() => setLanguage("en"));

describe("a sentence of the server", () => {
  const message = "Service web is switched to revision 3 as soon as all its pods are available.";
  const said = { code: "effect.promote", args: { active: "web", newest: "3" } };

  it("is as the server said it in English", () => {
    expect(inLanguage(message, said)).toEqual({ text: message });
    expect(byWhom("automated sync")).toBe("automated sync");
  });

  it.each([
    ["by its template", said, { text: "すべての Pod が利用可能になり次第、Service web をリビジョン 3 へ切り替えます。" }],
    ["with what has no name", { code: "effect.promote", args: { active: "NONE", newest: "NONE" } }, { text: "すべての Pod が利用可能になり次第、アクティブ Service を新しいバージョンへ切り替えます。" }],
    ["and marked as English without a template", undefined, { text: message, lang: "en" }],
    ["and marked as English by a template that is not known", { code: "effect.tomorrow" }, { text: message, lang: "en" }],
    ["and marked as English where something is missing", { code: "gate.pause.none", args: {} }, { text: message, lang: "en" }],
    ["and marked as English where what stands in it was not sent", { code: "gate.ready" }, { text: message, lang: "en" }],
    ["with a cause in Japanese", { code: "cause.rollout.invalid", args: { object: "Rollout web", cause: "AppProject shop: not found; create the project" } }, { text: "Rollout web: AppProject shop: 見つかりません。プロジェクトを作成してください。git でフィールドを修正してください" }],
    ["with foreign text as text", { code: "cause.SyncError", args: { object: "Service <b>", cause: "{x} '' <img>" } }, { text: "Service <b>: {x} '' <img>。git で修正するか、もう一度同期してください" }],
  ])("in Japanese %s", async (_, s, want) => {
    await setLanguage("ja");
    expect(inLanguage(message, s)).toEqual(want);
  });

  it("names automation in Japanese, and people as they are", async () => {
    await setLanguage("ja");
    expect(byWhom("automated sync")).toBe("自動同期");
    expect(byWhom("aiko")).toBe("aiko");
  });
});
