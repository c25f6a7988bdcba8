import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** The API for `npm run dev`: a mesh that `make up` started. */
const gateway = process.env.IGEMOJI_URL ?? 'http://127.0.0.1:8080';

const NONCE = 'CSP_NONCE';

/**
 * Code that every screen needs, in two chunks: a new version changes only `frame`. Without TLS a browser loads six files
 * at a time, so dozens of small shared chunks would wait for each other.
 */
const LIBRARIES = anyOf(
  /node_modules\/(react|react-dom|react-redux|react-router|scheduler|use-sync-external-store)\//,
  /node_modules\/(@reduxjs|redux|redux-thunk|immer|reselect|@emotion|stylis|clsx|react-is)\//,
  /node_modules\/@mui\/(system|utils|styled-engine|private-theming)\//,
  /node_modules\/@mui\/material\/(styles|utils|zero-styled|internal|useMediaQuery|ButtonBase|Button|ButtonGroup)\//,
  /node_modules\/@mui\/material\/(IconButton|Typography|SvgIcon|Skeleton|Link|Container|AppBar|Paper|CircularProgress)\//,
);
const FRAME = anyOf(
  /web\/src\/app\/(?!lazyRoutes|.*Menu|.*Dialog|NoticeBar)/,
  /web\/src\/lib\/(api\/|hooks\/|(expressions|i18n|notices|store|thumbnails|visibility)\.)/,
  /web\/src\/components\/(icons|Picture|EmojiPicture|AuthenticatedImage|expressionPictures|LinkButton)\./,
  /web\/src\/components\/(EmptyState|ErrorState|Skeletons|Page)\./,
);

function anyOf(...parts: RegExp[]): RegExp {
  return new RegExp(parts.map(({ source }) => source).join('|'));
}

/** Replaces the build-time nonce by a server-side include: nginx puts a fresh nonce into each response (nginx.conf). */
function nonceByServer(): Plugin {
  return {
    name: 'nonce-by-server',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('index.html is missing from the bundle: no place for nonces');
      page.source = String(page.source).replaceAll(NONCE, '<!--# echo var="request_id" -->');
    },
  };
}

/**
 * Adds the script of `preload.ts` to the page. Named in index.html it would be merged into the app's own script, and
 * would run no earlier.
 */
function preloadScript(): Plugin {
  return {
    name: 'preload-script',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const script = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === 'preload');
        if (!script) throw new Error('preload.ts is missing from the bundle');
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

/** Drops the woff copies of the fonts: they are for browsers that cannot run the app. */
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

/** Gives the service worker the list of files to cache, and a version that changes with them. */
function serviceWorkerFiles(): Plugin {
  return {
    name: 'service-worker-files',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk') throw new Error('sw.js is missing from the bundle');
      const files = Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css)$/.test(name));
      const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 12);
      const paths = JSON.stringify(files.map((name) => `/${name}`));
      worker.code = `const FILES=${paths},VERSION=${JSON.stringify(version)};${worker.code}`;
    },
  };
}

export default defineConfig({
  plugins: [react(), woff2Only(), preloadScript(), nonceByServer(), serviceWorkerFiles()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  html: { cspNonce: NONCE },
  build: {
    target: 'es2023',
    // An inlined picture would be loaded even where it is not shown.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // KB: `libraries` is one large chunk on purpose
    rolldownOptions: {
      input: { index: 'index.html', preload: 'src/preload.ts', sw: 'sw/serviceWorker.ts' },
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
