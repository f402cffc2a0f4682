import { afterAll, expect, it, vi } from "vitest";
import type { Result } from "../../api/types";

vi.stubGlobal("document", { documentElement: { lang: "en" } });
const { setLanguage } = await import("../../i18n");
const { resultWord } = await import("./parts");
afterAll(() => setLanguage("en"));

it.each([
  ["an object that is in sync", { status: "Synced", phase: "Running" }, "Synced", "同期済み"],
  ["one that was refused", { status: "SyncFailed" }, "Sync failed", "同期失敗"],
  ["one that is gone from git, and deleted", { status: "Pruned" }, "Pruned", "Prune 済み"],
  ["one that is gone from git, and stays", { status: "PruneSkipped" }, "Prune skipped", "Prune 省略"],
  ["a hook that goes on", { phase: "Running" }, "Running", "実行中"],
  ["what the page does not know", { status: "Moved" }, "Moved", "Moved"],
  ["nothing yet", {}, "", ""],
])("%s", async (_, of, english, japanese) => {
  const result = { group: "", kind: "Job", name: "migrate", ...of } as Result;
  await setLanguage("en");
  expect(resultWord(result)).toBe(english);
  await setLanguage("ja");
  expect(resultWord(result)).toBe(japanese);
});
