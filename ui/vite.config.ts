/// <reference types="vitest/config" />
import { defineConfig } from "vite";
import react from "@vitejs/plugin-react";
import locales from "@react-aria/optimize-locales-plugin";
import { pretend } from "./mock/server.ts";

const pretended = process.env.PRETEND === "1";

export default defineConfig({
  base: "./",
  plugins: [react(), { ...locales.vite({ locales: ["en-US", "ja-JP"] }), enforce: "pre" }, ...(pretended ? [pretend()] : [])],
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  server: {
    // The program itself answers what the page asks while the page is worked on.
    proxy: pretended ? undefined : { "/api": "http://127.0.0.1:8080", "/auth": "http://127.0.0.1:8080" },
  },
  test: { include: ["src/**/*.test.ts"] },
});
