/**
 * Builds the UI into the Python package (`src/lilac/web`), from where the control plane serves it under `/ui/`.
 *
 * Beside each text asset lie its `.br` and `.gz`, so that the server compresses nothing. In development
 * (`npm run dev`) the API of a running control plane is proxied: LILAC_API_ENDPOINT says where it is.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const outDir = resolve(import.meta.dirname, "../src/lilac/web");
const endpoint = process.env.LILAC_API_ENDPOINT ?? "http://127.0.0.1:8000";

function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg|json)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        if (content.length < 1024) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
      }
    },
  };
}

export default defineConfig({
  base: "/ui/",
  plugins: [react(), tailwindcss(), precompressed()],
  resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
  build: { outDir, emptyOutDir: true, target: "es2022", reportCompressedSize: false, assetsInlineLimit: 0 },
  server: { host: "127.0.0.1", proxy: { "/api": { target: endpoint, ws: true } } },
  test: {
    environment: "jsdom",
    globals: true,
    setupFiles: ["src/test/setup.ts"],
    css: false,
    restoreMocks: true,
    testTimeout: 20_000,
  },
});
