/** Fixtures of the specs: pages in separate browser contexts, and the check of a screen. */

import { join } from 'node:path';

import { test as base, expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import axe, { type AxeResults } from 'axe-core';

import type { Account } from './api';
import { meshUrl, ROOT } from './mesh';

export { expect };

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');

/** Photos that may be used in tests, from a package that `make assets` installs. */
export const PHOTOS = join(ROOT, 'assets/node_modules/@vladmandic/face-api/demo');
export const PHOTO_OF_ONE = join(PHOTOS, 'sample1.jpg');
export const TEMPLATES = join(ROOT, 'assets/build/templates');

const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1440, height: 900 } };
const LOCALES = { ko: 'ko-KR', en: 'en-US' };

export interface PageOptions {
  size?: keyof typeof SIZES;
  language?: keyof typeof LOCALES;
  theme?: 'light' | 'dark';
  /** Logged in from the start. */
  as?: Account;
  /** The test controls the time (`page.clock`), and `window.focusEvents` counts what would make the app reload its data. */
  ownClock?: boolean;
}

declare global {
  interface Window {
    focusEvents: number;
  }
}

interface Fixtures {
  /**
   * Open a page in a new browser context. At the end of the test it is closed, and fails the test if a script failed or
   * the content security policy blocked something.
   */
  openPage: (path: string, options?: PageOptions) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  openPage: async ({ browser }, use) => {
    const pages: Page[] = [];
    await use(async (path, options) => {
      const page = await openPage(browser, path, options);
      pages.push(page);
      return page;
    });
    for (const page of pages) {
      expectNoErrors(page);
      await page.context().close();
    }
  },
});

async function openPage(browser: Browser, path: string, options: PageOptions = {}): Promise<Page> {
  const { size = 'desktop', language = 'en', theme = 'light', as, ownClock = false } = options;
  const context = await browser.newContext({
    baseURL: meshUrl(),
    viewport: SIZES[size],
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    locale: LOCALES[language],
    colorScheme: theme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write', 'camera'],
  });
  if (as) await logIn(context, as);
  const page = await context.newPage();
  recordErrors(page);
  if (ownClock) {
    await page.clock.install();
    await page.addInitScript(() => {
      window.focusEvents = 0;
      for (const type of ['focus', 'visibilitychange']) addEventListener(type, () => (window.focusEvents += 1));
    });
  }
  await page.goto(path);
  return page;
}

async function logIn(context: BrowserContext, { email, password }: Account): Promise<void> {
  const response = await context.request.post('/api/v1/users/auth', { data: { email, password } });
  expect(response.status()).toBe(200);
  await context.addInitScript(() => {
    if (sessionStorage.getItem('begun')) return;
    sessionStorage.setItem('begun', '1');
    localStorage.setItem('igemoji.session', '1');
  });
}

const errors = new WeakMap<Page, string[]>();

function recordErrors(page: Page): void {
  const recorded: string[] = [];
  errors.set(page, recorded);
  page.on('pageerror', (error) => recorded.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // The app handles refused calls and shows them.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) recorded.push(text);
  });
}

/** No script failed, and the content security policy blocked nothing. */
export function expectNoErrors(page: Page): void {
  expect(errors.get(page)).toEqual([]);
}

/**
 * Check the current screen in both themes: take a screenshot, run axe, and look for sideways scrolling.
 *
 * @param name Name of the screenshot: `NAME-phone-ko-dark.png`.
 */
export async function checkScreen(page: Page, name: string, { fullPage = true } = {}): Promise<void> {
  const window = page.viewportSize()!;
  const size = window.width < 600 ? 'phone' : 'desktop';
  await waitForHeading(page, name);
  if (fullPage) await fitWindowToPage(page);
  await waitForSkeletons(page, name);
  const language = await page.locator('html').getAttribute('lang');
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    if (fullPage) await fitWindowToPage(page);
    await waitForResources(page);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${language}-${theme}.png`) });
    if (fullPage) await page.setViewportSize(window);
    await checkAccessibility(page, `${name} ${size} ${language} ${theme}`);
    await expectNoSidewaysScroll(page, name);
  }
  expectNoErrors(page);
}

/** Selector of the content of a screen. */
const CONTENT = 'main, [role=dialog]';

/** Wait until the screen has a heading. */
async function waitForHeading(page: Page, name: string): Promise<void> {
  // By role: headings behind an open dialog do not count.
  const heading = page.locator(CONTENT).getByRole('heading').filter({ visible: true, hasText: /\p{L}/u });
  await expect(heading.first().waitFor(), `${name} has a heading`).resolves.toBeUndefined();
}

/** Wait until no placeholder is visible any more. */
async function waitForSkeletons(page: Page, name: string): Promise<void> {
  const skeletons = page.locator('.MuiSkeleton-root').filter({ visible: true });
  await expect.poll(() => skeletons.count(), { message: `${name} is still loading`, timeout: 30_000 }).toBe(0);
}

/** Make the window as high as the page, so that sticky elements are where they are at the end of the page. */
async function fitWindowToPage(page: Page): Promise<void> {
  await page.evaluate(() => scrollTo(0, 0));
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const { width, height: minimum } = page.viewportSize()!;
  await page.setViewportSize({ width, height: Math.max(height, minimum) });
}

/** Wait until fonts and pictures are loaded and animations have ended. */
async function waitForResources(page: Page): Promise<void> {
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
  expect(broken, 'resources that failed to load').toEqual([]);
}

/** Expect no violation that axe calls serious or critical, and that axe could read the text of the content. */
async function checkAccessibility(page: Page, screen: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate((): Promise<AxeResults> => {
    return (window as unknown as { axe: typeof axe }).axe.run();
  });
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const descriptions = serious.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
  );
  expect(descriptions, screen).toEqual([]);
  const readable = passes
    .filter(({ id }) => id === 'color-contrast')
    .flatMap(({ nodes }) => nodes.map(({ target }) => target));
  const inContent = await page.evaluate(
    ([content, targets]) => targets.filter((target) => document.querySelector(String(target))?.closest(content)).length,
    [CONTENT, readable] as const,
  );
  expect(inContent, `${screen}: texts that axe could read`).toBeGreaterThan(0);
}

async function expectNoSidewaysScroll(page: Page, name: string): Promise<void> {
  // Not innerWidth: a phone zooms out until a page that is too wide fits.
  const content = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(content, `${name} is wider than the window`).toBeLessThanOrEqual(page.viewportSize()!.width);
}
