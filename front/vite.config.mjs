// Bundles ODK Web Forms once, at set-up: one file of ours in, the scripts that the server hands out in its place.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const place = (name) => fileURLToPath(new URL(name, import.meta.url));

// What is changed in the package's own code. Every change must find its place exactly once: a new release that moved it
// stops the set-up here, and not a canvasser's morning.
const CHANGES = [
  {
    // A draft goes on where it was left; as an edit it would become the correction of a form that nobody ever sent.
    file: /web-forms\/dist\/index-[^/]+\.js$/,
    from: /(const \w+ = resolvableFormInstanceInput\((\w+)\.editInstance\), \w+ = )(await (\w+)\.editInstance\(\w+, (\w+)\));/,
    to: "if ($2.editInstance.draft) { const restored = await $4.restoreInstance($2.editInstance.draft, $5); return success($4, restored); } $1$3;",
  },
  {
    // Nothing is asked of the internet: houses stand on plain ground.
    file: /web-forms\/dist\/MapBlock-[^/]+\.js$/,
    from: /"https:\/\/tile\.openstreetmap\.org\/\{z\}\/\{x\}\/\{y\}\.png"/,
    to: '"data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="',
  },
  {
    // And nobody is named whose map is not shown.
    file: /web-forms\/dist\/MapBlock-[^/]+\.js$/,
    from: /'&#169; <a href="https:\/\/www\.openstreetmap\.org\/copyright" target="_blank">OpenStreetMap<\/a> contributors\.'/,
    to: "''",
  },
];

function changed() {
  const done = new Set();
  return {
    name: "changed-places",
    enforce: "pre",
    transform(code, id) {
      let now = code;
      for (const change of CHANGES) {
        if (!change.file.test(id)) continue;
        const places = now.match(new RegExp(change.from, "g")) ?? [];
        if (places.length !== 1) this.error(`${change.from} stands in ${id} ${places.length} times, not once`);
        now = now.replace(change.from, change.to);
        done.add(change);
      }
      return now === code ? null : { code: now, map: null };
    },
    buildEnd(error) {
      if (!error && done.size !== CHANGES.length) this.error("a file of @getodk/web-forms that is to be changed was not met");
    },
  };
}

export default defineConfig({
  root: place("."),
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [changed()],
  build: {
    outDir: place("../mapper/web/static/vendor/web-forms"),
    emptyOutDir: true,
    chunkSizeWarningLimit: 4000,
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      input: place("web_forms.js"),
      preserveEntrySignatures: "strict",
      checks: { eval: false },
      output: { entryFileNames: "web_forms.js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
});
