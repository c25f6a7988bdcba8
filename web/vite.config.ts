import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API: a mesh that `make up` started. */
const gateway = process.env.IGEMOJI_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  // nginx puts another nonce in its place for every answer: nginx.conf.
  html: { cspNonce: 'CSP_NONCE' },
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
