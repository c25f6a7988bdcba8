/** Query of the gallery, stored in the address so that links and the back button restore it. */

export const SORTS = ['new', 'popular', 'favorites'] as const;
export type Sort = (typeof SORTS)[number];

export const PAGE_SIZE = 8;
const MAX_PAGE = 100_000;
const MAX_QUERY_LENGTH = 50;
const MAX_TAG_LENGTH = 20;

export interface GalleryQuery {
  /** From 1. */
  page: number;
  q: string;
  tag: string;
  sort: Sort;
  favoritesOnly: boolean;
}

export const FIRST_PAGE: GalleryQuery = { page: 1, q: '', tag: '', sort: 'new', favoritesOnly: false };

/** Parse the address. Invalid values are replaced by defaults, long ones are cut. */
export function parseGalleryQuery(parameters: URLSearchParams): GalleryQuery {
  const page = Number(parameters.get('page') ?? 1);
  const sort = SORTS.find((known) => known === parameters.get('sort'));
  return {
    page: Number.isInteger(page) && page >= 1 ? Math.min(page, MAX_PAGE) : 1,
    q: truncate(parameters.get('q') ?? '', MAX_QUERY_LENGTH),
    tag: truncate(parameters.get('tag') ?? '', MAX_TAG_LENGTH),
    sort: sort ?? 'new',
    favoritesOnly: parameters.get('favorites') === '1',
  };
}

/** Format a query for the address, without default values. */
export function formatGalleryQuery(query: GalleryQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.q) parameters.set('q', query.q);
  if (query.tag) parameters.set('tag', query.tag);
  if (query.sort !== 'new') parameters.set('sort', query.sort);
  if (query.favoritesOnly) parameters.set('favorites', '1');
  if (query.page > 1) parameters.set('page', String(query.page));
  return parameters;
}

/** Apply a change to a query; it starts at the first page. */
export function changeQuery(query: GalleryQuery, change: Partial<GalleryQuery>): GalleryQuery {
  return { ...query, page: 1, ...change };
}

export function isFiltered(query: GalleryQuery): boolean {
  return query.q.trim() !== '' || query.tag !== '' || query.favoritesOnly;
}

/** Return the number of pages. If the total is not exact, there is one more page at a time. */
export function pageCount(page: number, answer: { total: number; totalIsExact: boolean; hasNext: boolean }): number {
  const counted = Math.max(1, Math.ceil(answer.total / PAGE_SIZE));
  if (answer.totalIsExact) return counted;
  return Math.min(MAX_PAGE, Math.max(counted, page + (answer.hasNext ? 1 : 0)));
}

/** Truncate a text to a number of code points, as the server counts them. */
function truncate(text: string, length: number): string {
  return [...text].slice(0, length).join('');
}
