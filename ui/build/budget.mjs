// Fails the build when the script that the first view needs has grown beyond what it may weigh.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const most = 250 * 1024;
const root = new URL("../dist/page/", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(root, ".vite/manifest.json"), "utf8"));

/** weigh adds up a part and all that is loaded with it. */
function weigh(key, seen) {
  if (seen.has(key)) return;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) weigh(next, seen);
}
const sizeOf = (keys) => [...keys].reduce((sum, key) => (manifest[key].file.endsWith(".js") ? sum + gzipSync(readFileSync(join(root, manifest[key].file)), { level: 9 }).length : sum), 0);

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
let failed = false;
// A reader loads the words of one language; the heaviest counts.
const languages = Object.keys(manifest).filter((key) => /^src\/i18n\/\w+\/index/.test(key) && manifest[key].isDynamicEntry);
if (languages.length < 2) throw new Error("the words of each language are to be loaded apart");
const words = languages.toSorted((a, b) => sizeOf([b]) - sizeOf([a]))[0];
for (const view of manifest[entry].dynamicImports ?? []) {
  const seen = new Set();
  weigh(entry, seen);
  weigh(view, seen);
  weigh(words, seen);
  const size = sizeOf(seen);
  const over = size > most;
  failed ||= over;
  console.log(`${over ? "TOO LARGE" : "ok       "} ${(size / 1024).toFixed(1).padStart(6)} KB gzipped  ${view}`);
}
const total = readdirSync(root, { recursive: true }).filter((f) => /\.(js|css|html|svg)$/.test(f)).reduce((sum, f) => sum + statSync(join(root, f)).size, 0);
console.log(`          ${(total / 1024).toFixed(0)} KB in all, not compressed`);
if (failed) {
  console.error(`The first view may need ${most / 1024} KB of script at most.`);
  process.exit(1);
}
