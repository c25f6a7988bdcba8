/** A browser of Debian's Chromium, people who have accounts, and a look at every screen. */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SCREENSHOTS = join(import.meta.dirname, 'screenshots');

/** People who may be in tests: they come with a package that `make assets` installs. */
export const PHOTOS = join(ROOT, 'assets/node_modules/@vladmandic/face-api/demo');
export const PHOTO_OF_ONE = join(PHOTOS, 'sample1.jpg');
export const TEMPLATES = join(ROOT, 'assets/build/templates');

const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1440, height: 900 } };
const LOCALES = { ko: 'ko-KR', en: 'en-US' };

export interface Account {
  email: string;
  password: string;
  alias: string;
}

export interface Look {
  size?: keyof typeof SIZES;
  language?: keyof typeof LOCALES;
  theme?: 'light' | 'dark';
  /** Who is logged in from the start. */
  as?: Account;
  /** Time goes on there as a test says (`page.clock`), and it is told what makes the app look again before its time. */
  ownClock?: boolean;
}

declare global {
  interface Window {
    /** How often the window was come back to. */
    comebacks: number;
  }
}

let browser: Browser;
const contexts: BrowserContext[] = [];

/** Call once in a spec file: starts a browser for its tests, and ends it. */
export function useBrowser(): void {
  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    });
  });
  afterAll(() => browser.close());
}

/** A page of a browser of its own. A script error or a broken policy in it fails the test: `expectQuiet`. */
export async function open(path: string, look: Look = {}): Promise<Page> {
  const { size = 'desktop', language = 'en', theme = 'light', as, ownClock = false } = look;
  const context = await browser.newContext({
    baseURL: inject('url'),
    viewport: SIZES[size],
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    locale: LOCALES[language],
    colorScheme: theme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write', 'camera'],
  });
  contexts.push(context);
  context.setDefaultTimeout(30_000);
  if (as) await logIn(context, as);
  const page = await context.newPage();
  watch(page);
  if (ownClock) {
    await page.clock.install();
    await page.addInitScript(() => {
      window.comebacks = 0;
      for (const type of ['focus', 'visibilitychange']) addEventListener(type, () => (window.comebacks += 1));
    });
  }
  await page.goto(path);
  return page;
}

export async function close(page: Page): Promise<void> {
  expectQuiet(page);
  await page.context().close();
}

async function logIn(context: BrowserContext, { email, password }: Account): Promise<void> {
  const answer = await context.request.post('/api/v1/users/auth', { data: { email, password } });
  expect(answer.status()).toBe(200);
  await context.addInitScript(() => {
    if (sessionStorage.getItem('begun')) return;
    sessionStorage.setItem('begun', '1');
    localStorage.setItem('igemoji.session', '1');
  });
}

let people = 0;

/** Somebody new with an account. */
export async function somebody(): Promise<Account> {
  const name = `p${process.pid}n${people++}`;
  const account = { email: `${name}@example.org`, password: 'correct horse battery', alias: name };
  const answer = await fetch(`${inject('url')}/api/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  });
  expect(answer.status).toBe(201);
  return account;
}

const complaints = new WeakMap<Page, string[]>();

function watch(page: Page): void {
  const heard: string[] = [];
  complaints.set(page, heard);
  page.on('pageerror', (error) => heard.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // A refused call is an answer, and the screen shows it.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) heard.push(text);
  });
}

/** No script broke, and the content security policy stopped nothing. */
export function expectQuiet(page: Page): void {
  expect(complaints.get(page)).toEqual([]);
}

/**
 * Looks at what is on the screen, in both themes: takes a picture of each, and lets axe judge it.
 *
 * @param name Of the picture: `NAME-phone-ko-dark.png`.
 */
export async function look(page: Page, name: string, { fullPage = true } = {}): Promise<void> {
  const window = page.viewportSize()!;
  const size = window.width < 600 ? 'phone' : 'desktop';
  await headed(page, name);
  if (fullPage) await unroll(page);
  await loaded(page, name);
  const language = await page.locator('html').getAttribute('lang');
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    if (fullPage) await unroll(page);
    await settled(page);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${language}-${theme}.png`) });
    if (fullPage) await page.setViewportSize(window);
    await judge(page, `${name} ${size} ${language} ${theme}`);
    await expectNoSidewaysScroll(page, name);
  }
  expectQuiet(page);
}

/** Where what one looks at is. */
const CONTENT = 'main, [role=dialog]';

/** Waits until the screen says what it is; fails where that never comes. */
async function headed(page: Page, name: string): Promise<void> {
  // By role: while there is a dialog, what lies below it does not count.
  const heading = page.locator(CONTENT).getByRole('heading').filter({ visible: true, hasText: /\p{L}/u });
  await expect(heading.first().waitFor(), `${name} has a heading`).resolves.toBeUndefined();
}

/** Waits until nothing of the screen is on its way any more. */
async function loaded(page: Page, name: string): Promise<void> {
  const skeletons = page.locator('.MuiSkeleton-root').filter({ visible: true });
  await expect.poll(() => skeletons.count(), { message: `${name} is still loading`, timeout: 30_000 }).toBe(0);
}

/** Makes the window as high as the page: what sticks to its edges is where it is for who has scrolled to the end. */
async function unroll(page: Page): Promise<void> {
  await page.evaluate(() => scrollTo(0, 0));
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const { width, height: least } = page.viewportSize()!;
  await page.setViewportSize({ width, height: Math.max(height, least) });
}

/** Fonts and pictures are there, and nothing moves. */
async function settled(page: Page): Promise<void> {
  const broken = await page.evaluate(async () => {
    await document.fonts.ready;
    const pictures = [...document.images];
    pictures.forEach((image) => (image.loading = 'eager'));
    await Promise.all(pictures.map((image) => image.decode().catch(() => undefined)));
    await Promise.all(
      document
        .getAnimations()
        .filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
        .map((animation) => animation.finished.catch(() => undefined)),
    );
    const fonts = [...document.fonts].filter(({ status }) => status === 'error').map(({ family }) => family);
    return [...pictures.filter((image) => !image.naturalWidth).map(({ src }) => src), ...fonts];
  });
  expect(broken, 'what could not be loaded').toEqual([]);
}

/** No violation that axe calls serious, among words that it has read. */
async function judge(page: Page, what: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate((): Promise<AxeResults> => {
    return (window as unknown as { axe: typeof axe }).axe.run();
  });
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
  );
  expect(told, what).toEqual([]);
  const read = passes
    .filter(({ id }) => id === 'color-contrast')
    .flatMap(({ nodes }) => nodes.map(({ target }) => target));
  const ofContent = await page.evaluate(
    ([content, targets]) => targets.filter((target) => document.querySelector(String(target))?.closest(content)).length,
    [CONTENT, read] as const,
  );
  expect(ofContent, `${what}: words that axe could read`).toBeGreaterThan(0);
}

async function expectNoSidewaysScroll(page: Page, name: string): Promise<void> {
  // Not innerWidth: a phone zooms out until all of a page that is too wide fits.
  const content = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(content, `${name} is wider than the window`).toBeLessThanOrEqual(page.viewportSize()!.width);
}
