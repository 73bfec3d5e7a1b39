// Bundles the reader of QR codes once, at set-up.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const place = (name) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: place("."),
  logLevel: "error",
  build: {
    outDir: place("../mapper/web/static/vendor/qr-reader"),
    emptyOutDir: true,
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      input: place("qr_reader.js"),
      output: { entryFileNames: "qr_reader.js", format: "iife" },
    },
  },
});
