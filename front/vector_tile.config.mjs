// Bundles the reader of vector tiles once, at set-up.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const place = (name) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: place("."),
  logLevel: "error",
  build: {
    outDir: place("../mapper/web/static/vendor/vector-tile"),
    emptyOutDir: true,
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      input: place("vector_tile.js"),
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "vector_tile.js" },
    },
  },
});
