import { describe, expect, it } from "vitest";
import { bare, level, styled } from "./ansi";
import { compare, folded, pairs } from "./diff";
import { containers, crashed, Kept, lineKey, most, parse, sinceLine } from "./log";
import { pieces, withoutManagers, yaml } from "./yaml";

describe("yaml", () => {
  const table: [string, unknown, string][] = [
    ["a map", { a: 1, b: true, c: null, d: "x" }, "a: 1\nb: true\nc: null\nd: x\n"],
    ["a list of maps", { a: [{ b: 1, c: [1, 2] }, "x"] }, "a:\n- b: 1\n  c:\n  - 1\n  - 2\n- x\n"],
    ["lists in lists", [[1, [2]]], "- - 1\n  - - 2\n"],
    ["what is empty", { a: {}, b: [], c: "" }, 'a: {}\nb: []\nc: ""\n'],
    ["words that would be something else", { a: "true", b: "1", c: "null", d: "no" }, 'a: "true"\nb: "1"\nc: "null"\nd: "no"\n'],
    ["lines", { a: "x\ny\n", b: "x\n\ny" }, "a: |\n  x\n  y\nb: |-\n  x\n\n  y\n"],
    ["lines that begin with a space", { a: " x\ny" }, 'a: " x\\ny"\n'],
    ["escapes", { a: "\u001b[31m" }, 'a: "\\u001b[31m"\n'],
    ["keys", { "a/b": 1, "a: b": 2 }, 'a/b: 1\n"a: b": 2\n'],
    ["a scalar", "x", "x\n"],
    ["nothing", {}, "{}\n"],
  ];
  it.each(table)("%s", (_, value, want) => expect(yaml(value)).toBe(want));
  it("leaves out who set what", () => expect(withoutManagers({ metadata: { name: "a", managedFields: [] } })).toEqual({ metadata: { name: "a" } }));
  it("colours keys", () => {
    expect(pieces("  - name: web")).toEqual([{ text: "  - " }, { text: "name:", is: "key" }, { text: " web", is: "value" }]);
    expect(pieces("# x")).toEqual([{ text: "# x", is: "comment" }]);
    expect(pieces("- http://x/y")).toEqual([{ text: "- http://x/y" }]);
  });
});

describe("compare", () => {
  const table: [string, string, string, string][] = [
    ["the same", "a\nb\n", "a\nb\n", " a, b"],
    ["a changed line", "a\nb\nc", "a\nx\nc", " a,-b,+x, c"],
    ["one more", "a\nc", "a\nb\nc", " a,+b, c"],
    ["one fewer", "a\nb\nc", "a\nc", " a,-b, c"],
    ["from nothing", "", "a\nb", "+a,+b"],
    ["to nothing", "a", "", "-a"],
    ["moved", "a\nb\nc\nd", "c\nd\na\nb", "-a,-b, c, d,+a,+b"],
    ["two places", "a\nb\nc\nd\ne", "a\nB\nc\nd\nE\nf", " a,-b,+B, c, d,-e,+E,+f"],
  ];
  const text = (before: string, after: string) => compare(before, after).map((s) => ({ same: " ", del: "-", add: "+" })[s.kind] + s.text).join(",");
  it.each(table)("%s", (_, before, after, want) => expect(text(before, after)).toBe(want));

  it("gives back both texts, whatever they are", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
    for (let i = 0; i < 300; i++) {
      const make = () => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("\n");
      const [a, b] = [make(), make()];
      const sides = compare(a, b);
      expect(sides.filter((s) => s.kind !== "add").map((s) => s.text).join("\n"), JSON.stringify([a, b])).toBe(a);
      expect(sides.filter((s) => s.kind !== "del").map((s) => s.text).join("\n"), JSON.stringify([a, b])).toBe(b);
    }
  });
  it("takes texts that have nothing in common as replaced", () => {
    const make = (c: string) => Array.from({ length: 4000 }, (_, i) => `${c}${i}`).join("\n");
    expect(compare(make("a"), make("b")).length).toBe(8000);
  });
  it("numbers the lines of each side", () => expect(compare("a\nb", "a\nx").map((s) => [s.left, s.right])).toEqual([[1, 1], [2, undefined], [undefined, 2]]));
  it("puts what replaces beside what was", () => expect(pairs(compare("a\nb\nc", "a\nx\ny\nc")).map((p) => `${p.left?.text ?? ""}|${p.right?.text ?? ""}`)).toEqual(["a|a", "b|x", "|y", "c|c"]));
  it("folds what is the same", () => {
    const rows = [..."sssssssXsss"];
    expect(folded(rows, (r) => r === "s")).toEqual([{ gap: 4, from: 0 }, { rows: [..."sssXsss"] }]);
    expect(folded([..."ssXss"], (r) => r === "s", 1)).toEqual([{ rows: [..."ssXss"] }].map((p) => ({ rows: p.rows })));
  });
});

describe("styled", () => {
  const table: [string, string, unknown][] = [
    ["plain", "a<b>&", [{ text: "a<b>&" }]],
    ["a colour", "\u001b[32mok\u001b[0m x", [{ text: "ok", colour: "green" }, { text: " x" }]],
    ["bright and bold", "\u001b[1;91mx\u001b[22;39my", [{ text: "x", bold: true, colour: "red" }, { text: "y", bold: undefined, dim: undefined, colour: undefined }]],
    ["256 colours", "\u001b[38;5;196mx", [{ text: "x", colour: "red" }]],
    ["true colours", "\u001b[38;2;20;200;30mx", [{ text: "x", colour: "green" }]],
    ["a background is not kept", "\u001b[48;5;1mx", [{ text: "x" }]],
    ["a title of the window", "a\u001b]0;evil\u0007b", [{ text: "a" }, { text: "b" }]],
    ["a link", "\u001b]8;;javascript:alert(1)\u001b\\x\u001b]8;;\u001b\\", [{ text: "x" }]],
    ["the cursor", "a\u001b[2J\u001b[1;1Hb", [{ text: "a" }, { text: "b" }]],
    ["control characters and directions", "a\rb\u0000\u202ec", [{ text: "abc" }]],
    ["an escape that does not end", "a\u001b", [{ text: "a" }]],
    ["a string that does not end", "a\u001b]0;evil", [{ text: "a" }]],
    ["an empty colour resets", "\u001b[31ma\u001b[mb", [{ text: "a", colour: "red" }, { text: "b" }]],
  ];
  it.each(table)("%s", (_, line, want) => expect(styled(line)).toEqual(want));
  it("leaves no control character, whatever comes", () => {
    let seed = 3;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
    for (let i = 0; i < 2000; i++) {
      const line = Array.from({ length: random(20) }, () => "\u001b[]0;1m\u0007\u009bx\\ PX^\u009c"[random(20)]).join("");
      // eslint-disable-next-line no-control-regex
      expect(/[\u0000-\u001f\u007f-\u009f]/.test(bare(line)), JSON.stringify(line)).toBe(false);
    }
  });
  it("reads how bad a line is", () => expect(["ERROR x", 'level":"warn"', "warning: y", "mirror", "panic: z"].map(level)).toEqual(["bad", "warn", "warn", undefined, "bad"]));
});

describe("logs", () => {
  const entry = (text: string) => ({ pod: "p", container: "c", time: "2026-01-01T00:00:00Z", text });
  it("keeps the last lines only", () => {
    const kept = new Kept();
    for (let i = 0; i < 30; i++) kept.push(Array.from({ length: 500 }, (_, n) => entry(`${i * 500 + n}`)));
    expect([kept.first, kept.next, kept.at(kept.first)?.text, kept.at(kept.first - 1)]).toEqual([10_000, 15_000, "10000", undefined]);
  });
  it("keeps no more than so many characters, and cuts a line that is one too many", () => {
    const kept = new Kept();
    kept.push(Array.from({ length: 400 }, () => entry("x".repeat(50_000))));
    let size = 0;
    for (let i = kept.first; i < kept.next; i++) size += kept.at(i)!.text.length;
    expect(size).toBeLessThanOrEqual(most.characters);
    expect(kept.at(kept.first)!.text.length).toBe(most.line + 1);
  });
  it("clears", () => {
    const kept = new Kept();
    kept.push([entry("a")]);
    kept.clear();
    expect([kept.first, kept.next]).toEqual([1, 1]);
  });
  it("reads pieces of a stream", () => {
    const line = '{"result":{"content":"a","timeStampStr":"t","podName":"p"}}';
    expect(parse(`${line}\nnonsense\n\n{"result":{"last":true,"timeStampStr":"t","content":""}}\n{"error":{"message":"no"}}\n{"res`, "c")).toEqual({ entries: [{ pod: "p", container: "c", time: "t", text: "a" }], last: true, error: "no", rest: '{"res' });
  });
  it("finds the line of an address", () => {
    expect(lineKey(entry(""))).toBe("p@2026-01-01T00:00:00Z");
    expect(sinceLine("p@2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:01:00Z"))).toBe(90);
    expect(sinceLine("nonsense", 0)).toBeUndefined();
  });
  it("finds containers, and the one that crashed", () => {
    expect(containers({ spec: { containers: [{ name: "a" }], initContainers: [{ name: "i" }] } })).toEqual(["a", "i"]);
    expect(containers({ spec: { template: { spec: { containers: [{ name: "b" }] } } } })).toEqual(["b"]);
    expect(containers({ spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: "j" }] } } } } } })).toEqual(["j"]);
    expect(containers({})).toEqual([]);
    expect(crashed({ status: { containerStatuses: [{ name: "a", restartCount: 2, state: {} }, { name: "b", restartCount: 1, state: { waiting: {} } }] } })).toBe("b");
    expect(crashed({})).toBeUndefined();
  });
});
