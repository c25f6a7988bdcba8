import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API: a mesh that `make up` started. */
const gateway = process.env.IGEMOJI_URL ?? 'http://127.0.0.1:8080';

const NONCE = 'CSP_NONCE';

/**
 * What every screen needs, in two files, of which a new version changes one. A browser asks for six at a time where there
 * is no TLS: the dozens of crumbs that screens share would wait for each other.
 */
const LIBRARIES = anyOf(
  /node_modules\/(react|react-dom|react-redux|react-router|scheduler|use-sync-external-store)\//,
  /node_modules\/(@reduxjs|redux|redux-thunk|immer|reselect|@emotion|stylis|clsx|react-is)\//,
  /node_modules\/@mui\/(system|utils|styled-engine|private-theming)\//,
  /node_modules\/@mui\/material\/(styles|utils|zero-styled|internal|useMediaQuery|ButtonBase|Button|ButtonGroup)\//,
  /node_modules\/@mui\/material\/(IconButton|Typography|SvgIcon|Skeleton|Link|Container|AppBar|Paper|CircularProgress)\//,
);
const FRAME = anyOf(
  /web\/src\/(app|api)\/(?!screens|.*Menu|.*Dialog|NoticeBar)/,
  /web\/src\/components\/(icons|Picture|EmojiPicture|AuthedImage|copies|expressions|art|LinkButton)\./,
  /web\/src\/components\/(EmptyState|ErrorState|Skeletons|Page)\./,
);

function anyOf(...parts: RegExp[]): RegExp {
  return new RegExp(parts.map(({ source }) => source).join('|'));
}

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

/** Loads `first.ts` beside the app: as one of two scripts of the page it would become a part of the other one. */
function firstScript(): Plugin {
  return {
    name: 'first-script',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const script = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'first');
        if (!script) throw new Error('There is no first.ts to load');
        return [
          {
            tag: 'script',
            attrs: { type: 'module', async: true, src: `/${script.fileName}` },
            injectTo: 'head',
          },
        ];
      },
    },
  };
}

/** The fonts are there twice: as woff for browsers that can't run the app anyway. */
function woff2Only(): Plugin {
  return {
    name: 'woff2-only',
    enforce: 'pre',
    transform: {
      filter: { id: /@fontsource.*\.css$/ },
      handler: (css) => css.replaceAll(/, url\([^)]*\.woff\) format\('woff'\)/g, ''),
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
  plugins: [react(), woff2Only(), firstScript(), nonceByServer(), filesOfServiceWorker()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  html: { cspNonce: NONCE },
  build: {
    target: 'es2023',
    // A picture as a data: URL would be loaded whether it is shown or not.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // KB: what every screen needs is one file on purpose
    rolldownOptions: {
      input: { index: 'index.html', first: 'src/first.ts', sw: 'sw/sw.ts' },
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        codeSplitting: {
          groups: [
            { name: 'libraries', test: LIBRARIES },
            { name: 'frame', test: FRAME },
          ],
        },
      },
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
