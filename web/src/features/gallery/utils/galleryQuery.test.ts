import { describe, expect, it } from 'vitest';

import { changeQuery, FIRST_PAGE, formatGalleryQuery, isFiltered, pageCount, parseGalleryQuery } from './galleryQuery';

const parsed = (address: string) => parseGalleryQuery(new URLSearchParams(address));

describe("the gallery's address", () => {
  it('can be parsed back', () => {
    const query = { page: 3, q: '고양이 cat', tag: 'animals', sort: 'popular', favoritesOnly: true } as const;
    expect(parseGalleryQuery(formatGalleryQuery(query))).toEqual(query);
  });

  it('omits default values', () => {
    expect(formatGalleryQuery(FIRST_PAGE).toString()).toBe('');
    expect(parsed('')).toEqual(FIRST_PAGE);
  });

  it.each(['page=0', 'page=-2', 'page=1.5', 'page=many', 'sort=oldest'])('falls back to defaults: %s', (address) => {
    expect(parsed(address)).toEqual(FIRST_PAGE);
  });

  it('truncates a search to the server limit without splitting an emoji', () => {
    expect([...parsed(`q=${'😀'.repeat(60)}`).q]).toHaveLength(50);
    expect(parsed(`page=999999`).page).toBe(100_000);
  });

  it('starts a changed query at the first page', () => {
    expect(changeQuery({ ...FIRST_PAGE, page: 4 }, { tag: 'cats' })).toEqual({ ...FIRST_PAGE, tag: 'cats' });
    expect(changeQuery({ ...FIRST_PAGE, tag: 'cats' }, { page: 2 })).toEqual({ ...FIRST_PAGE, tag: 'cats', page: 2 });
  });

  it('distinguishes a filter from a sort order', () => {
    expect(isFiltered({ ...FIRST_PAGE, sort: 'popular', q: '  ' })).toBe(false);
    expect(isFiltered({ ...FIRST_PAGE, tag: 'cats' })).toBe(true);
  });
});

describe('the number of pages', () => {
  it('is computed from an exact total', () => {
    expect(pageCount(1, { total: 0, totalIsExact: true, hasNext: false })).toBe(1);
    expect(pageCount(1, { total: 8, totalIsExact: true, hasNext: false })).toBe(1);
    expect(pageCount(1, { total: 9, totalIsExact: true, hasNext: true })).toBe(2);
  });

  it('grows page by page if the total is not exact', () => {
    expect(pageCount(5, { total: 10_000, totalIsExact: false, hasNext: true })).toBe(1250);
    expect(pageCount(1250, { total: 10_000, totalIsExact: false, hasNext: true })).toBe(1251);
    expect(pageCount(1300, { total: 10_000, totalIsExact: false, hasNext: false })).toBe(1300);
  });
});
