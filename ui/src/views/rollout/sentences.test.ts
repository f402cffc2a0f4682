import { describe, expect, it, vi } from "vitest";
import { picture } from "./picture";
import { view } from "./example.test-data";
import type { Lane } from "../../api/types";

vi.stubGlobal("document", { documentElement: { lang: "en" } });
const { inWords, sentences, switchSentence, underWay } = await import("./sentences");
await (await import("../../i18n")).setLanguage("en");

const lane = (revision: number, role: Lane["role"], restarts = 0): Lane => ({ role, replicaSet: `web-${revision}`, revision, hash: `h${revision}`, images: [], desired: 1, ready: 1, available: 1, pods: [{ name: "p", phase: "Running", ready: true, restarts, created: "" }] });

describe("the picture in sentences", () => {
  it("names each Service and each lane", () => {
    const v = view([lane(42, "preview", 2), lane(41, "active")]);
    v.services.push({ name: "web-preview", role: "preview", hash: "h42", addresses: 1 }, { name: "lost", role: "preview", hash: "", addresses: 0 });
    expect(sentences(picture(v))).toEqual([
      "The traffic goes through Service web to Blue, revision 41 (2 pods answer).",
      "Service web-preview shows Green, revision 42 as the preview (1 pod answers).",
      "Service lost selects no pods.",
      "Blue, revision 41, Active: 1 of 1 pods Ready.",
      "Green, revision 42, Preview: 1 of 1 pods Ready, 2 restarts.",
    ]);
  });
});

describe("the switch", () => {
  const before = picture(view([lane(42, "preview"), lane(41, "active")]));
  const after = picture(view([lane(42, "active"), lane(41, "old")]));
  it("is read out when the traffic has gone over", () => expect(switchSentence(before, after)).toBe("Switched: the traffic goes to Green, revision 42 now, 1 pod Ready."));
  it("is not read out for what was so when the page was opened", () => expect(switchSentence(undefined, after)).toBeUndefined());
  it("is not read out again", () => expect(switchSentence(after, after)).toBeUndefined());
});

describe("what goes on where nothing is waited for", () => {
  it("is an old version that goes", () => expect(underWay(picture(view([lane(42, "active"), lane(41, "old")])))).toBe("Blue, revision 41 goes: its pods end what they were asked."));
  it("is a version that comes", () => expect(underWay(picture(view([lane(42, "preview"), lane(41, "active")])))).toBe("On its way: pods come and become ready."));
  it("is not an old version of which nothing is left", () => expect(underWay(picture(view([lane(42, "active"), { ...lane(41, "old"), pods: [], desired: 0 }])))).toBe("On its way: pods come and become ready."));
});

describe("a message in words", () => {
  it.each([
    ["BlueGreenPause", "Waits before the switch: somebody looks at the preview and promotes it."],
    ["more replicas need to be updated", "Pods of the new version are being made."],
    ["RolloutAborted: Rollout aborted update to revision 9", "The update to revision 9 was aborted: the traffic stays on the version before. Mend it in git, or retry."],
    ["InvalidSpec: spec.replicas: invalid value", "InvalidSpec: spec.replicas: invalid value"],
    ["", ""],
  ])("%s", (message, want) => expect(inWords(message)).toBe(want));
});

