import { fileURLToPath } from "node:url";

import { lingui } from "@lingui/vite-plugin";
import babel from "@rolldown/plugin-babel";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

// A server of Tollgate beside that of Vite.
const proxy = {
  "^/tollgate\\.v1\\.": { target: process.env["TOLLGATE_URL"] ?? "http://127.0.0.1:50051" },
};

export default defineConfig({
  plugins: [
    react(),
    babel({ plugins: ["@lingui/babel-plugin-lingui-macro"] }),
    lingui({ failOnMissing: true }),
  ],
  resolve: {
    alias: { "@stubs": path("../typescript/src/gen/tollgate/v1") },
    // The stubs lie beside the TypeScript client, which has a version of its own.
    dedupe: ["@bufbuild/protobuf"],
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // Data addresses would need more than `'self'` in the policy of the page.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        // A page by its folder.
        chunkFileNames: ({ facadeModuleId }) => {
          const page = /\/pages\/(\w+)\/page\.tsx$/.exec(facadeModuleId ?? "")?.[1];
          return `assets/${page ?? "[name]"}-[hash].js`;
        },
      },
    },
  },
  server: { proxy },
  preview: { proxy },
});
