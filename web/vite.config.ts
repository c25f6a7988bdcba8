import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API: a mesh that `make up` started. */
const gateway = process.env.IGEMOJI_URL ?? 'http://127.0.0.1:8080';

const NONCE = 'CSP_NONCE';

/** nginx puts another nonce into each answer, by a server-side include: nginx.conf. */
function nonceByServer(): Plugin {
  return {
    name: 'nonce-by-server',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('There is no index.html to put nonces into');
      page.source = String(page.source).replaceAll(NONCE, '<!--# echo var="request_id" -->');
    },
  };
}

export default defineConfig({
  plugins: [react(), nonceByServer()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  html: { cspNonce: NONCE },
  build: {
    target: 'es2023',
    // A picture as a data: URL would be loaded whether it is shown or not.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': gateway, '/.well-known': gateway } },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://igemoji.test/' } },
    include: ['src/**/*.test.{ts,tsx}', 'sw/**/*.test.ts'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
