import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("dark is the same, whether the system or a person chose it", () => {
  const text = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
  const block = (beginning: string) => {
    const from = text.indexOf("{", text.indexOf(beginning));
    return text.slice(from + 1, text.indexOf("}", from)).trim().split(/;\s*/);
  };
  const chosen = block(':root[data-theme="dark"]');
  expect(chosen.length).toBeGreaterThan(20);
  expect(block(':root:not([data-theme="light"])')).toEqual(chosen);
});
