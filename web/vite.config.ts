import { createHash } from 'node:crypto';
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

/** Tells the service worker which files the app starts from, and gives it a name that changes with them. */
function filesOfServiceWorker(): Plugin {
  return {
    name: 'files-of-service-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk') throw new Error('There is no service worker to tell its files');
      const files = Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css)$/.test(name));
      const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 12);
      const paths = JSON.stringify(files.map((name) => `/${name}`));
      worker.code = `const FILES=${paths},VERSION=${JSON.stringify(version)};${worker.code}`;
    },
  };
}

export default defineConfig({
  plugins: [react(), nonceByServer(), filesOfServiceWorker()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  html: { cspNonce: NONCE },
  build: {
    target: 'es2023',
    // A picture as a data: URL would be loaded whether it is shown or not.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: 'index.html', sw: 'sw/sw.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
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
