// Writes a .br and a .gz beside each file of a folder that gets smaller by it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const smallest = 512;
const compressible = new Set(['.js', '.mjs', '.css', '.svg', '.json', '.map', '.webmanifest', '.txt', '.ico', '.wasm']);

for (const entry of readdirSync(process.argv[2], { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath ?? entry.path, entry.name);
  if (!entry.isFile() || !compressible.has(extname(file))) continue;
  const content = readFileSync(file);
  if (content.length < smallest) continue;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  for (const [ending, compressed] of [['.br', brotliCompressSync(content, { params })], ['.gz', gzipSync(content, { level: constants.Z_BEST_COMPRESSION })]]) {
    if (compressed.length < content.length) writeFileSync(file + ending, compressed);
  }
}
