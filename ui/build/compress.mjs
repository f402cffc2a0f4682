// Writes each file of the page compressed beside it, so that the program serves it without compressing anything.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = new URL("../dist/page/", import.meta.url).pathname;
for (const file of readdirSync(root, { recursive: true })) {
  const path = join(root, file);
  // index.html is written anew for each base path, and small files do not get smaller.
  if (!statSync(path).isFile() || !/\.(js|css|svg)$/.test(file) || statSync(path).size < 512) continue;
  const data = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(data, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }));
}
