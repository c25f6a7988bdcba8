/**
 * Benchmark of the web client's first load in Chromium, measured with the browser's performance API: first contentful
 * paint, largest contentful paint, layout shift, blocking time, and the size of the JavaScript.
 *
 * usage: node bench/web/bench.mjs [ROUNDS]     (make bench-web)
 *
 * It emulates a phone: its screen, a CPU four times slower than this machine's, and Lighthouse's slow 4G network. The
 * reference is the "good" threshold of web.dev. Writes bench/results/web.md.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(import.meta.dirname, '../..');
const { chromium } = createRequire(join(ROOT, 'web/package.json'))('@playwright/test');

const ROUNDS = Number(process.argv[2] ?? 5);
const START_MS = 120_000;
const CPU_SLOWDOWN = 4;
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: 1_638_400 / 8, uploadThroughput: 675_000 / 8 };
const SCREENS = ['/', '/templates', '/ranking', '/login'];

/** Thresholds for "good" by web.dev, and the project's limit for JavaScript. */
const GOOD = { fcp: 1800, lcp: 2500, cls: 0.1, tbt: 200, js: 250 };
const NAMES = {
  fcp: 'first contentful paint, ms',
  lcp: 'largest contentful paint, ms',
  cls: 'layout shift',
  tbt: 'blocking time, ms',
  js: 'JavaScript, KB gzip',
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function startMesh() {
  // A mesh that is already running, built from the same files.
  if (process.env.IGEMOJI_URL) return { url: process.env.IGEMOJI_URL, stop: async () => undefined };
  const data = mkdtempSync(join(tmpdir(), 'igemoji-bench-'));
  const mesh = spawn(join(ROOT, '.venv/bin/igemoji'), ['up', '--port', '0', '--data', data, '--rate-factor', '1000'], {
    stdio: 'ignore',
  });
  const ended = new Promise((done) => mesh.once('exit', done));
  const stop = async () => {
    mesh.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  const state = join(data, 'run/mesh.json');
  for (const until = Date.now() + START_MS; !existsSync(state);) {
    if (mesh.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error('The mesh did not start. See why with `make up`.');
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  return { url: JSON.parse(readFileSync(state, 'utf8')).url, stop };
}

/** Runs in the page before its scripts: record events that the browser reports only once. */
function observe() {
  window.seen = { cls: 0, tbt: 0, lcp: 0 };
  const on = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  on('layout-shift', (entry) => (window.seen.cls += entry.hadRecentInput ? 0 : entry.value));
  on('longtask', (entry) => (window.seen.tbt += Math.max(0, entry.duration - 50)));
  on('largest-contentful-paint', (entry) => (window.seen.lcp = entry.startTime));
}

async function load(browser, url, path) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 360, height: 740 },
    isMobile: true,
    hasTouch: true,
    locale: 'ko-KR',
    serviceWorkers: 'block',
  });
  try {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN });
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', SLOW_4G);
    await page.addInitScript(observe);
    await page.goto(path, { waitUntil: 'networkidle', timeout: 120_000 });
    await page.locator('h1').first().waitFor();
    const scripts = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => new URL(name).pathname)
        .filter((name) => name.endsWith('.js')),
    );
    const measured = await page.evaluate(() => ({
      ...window.seen,
      fcp: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    }));
    const js = [...new Set(scripts)].reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(ROOT, 'web/dist', name))).length,
      0,
    );
    return { ...measured, js: js / 1000 };
  } finally {
    await context.close();
  }
}

const shown = (key, value) => (key === 'cls' ? value.toFixed(3) : value.toFixed(0));

const mesh = await startMesh();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const rows = [];
try {
  for (const path of SCREENS) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await load(browser, mesh.url, path));
    for (const key of Object.keys(GOOD)) {
      const value = median(rounds.map((round) => round[key]));
      rows.push(
        `| \`${path}\` | ${NAMES[key]} | ${shown(key, value)} | ${GOOD[key]} | ${(value / GOOD[key]).toFixed(2)} |`,
      );
      console.log(rows.at(-1));
    }
  }
} finally {
  await browser.close();
  await mesh.stop();
}

writeFileSync(
  join(ROOT, 'bench/results/web.md'),
  `# First load of the web client

\`make bench-web\`, the median of ${ROUNDS} loads without any cache, on ${cpus().length} cores (${cpus()[0].model.trim()}) slowed down ${CPU_SLOWDOWN} times, over
slow 4G (150 ms, 1.6 Mbit/s), Chromium ${browser.version()}, a phone's screen of 360 × 740. The load of the
machine at the end was ${loadavg()[0].toFixed(1)}; if it is much above 1, the times are not representative. Good are the thresholds of web.dev (first
contentful paint 1.8 s, largest 2.5 s, layout shift 0.1, blocking time 200 ms); 250 KB is the project's limit. Ratio: measured
to good, below 1 is better.

| screen | what | measured | good | ratio |
|---|---|---|---|---|
${rows.join('\n')}
`,
);
