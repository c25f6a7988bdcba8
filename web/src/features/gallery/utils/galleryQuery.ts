/** What the gallery shows, as it stands in the address: a link to it and the browser's way back lead to the same list. */

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

/** Whatever the address says, what comes out can be asked for: what is out of its limits is cut or left out. */
export function parseGalleryQuery(parameters: URLSearchParams): GalleryQuery {
  const page = Number(parameters.get('page') ?? 1);
  const sort = SORTS.find((known) => known === parameters.get('sort'));
  return {
    page: Number.isInteger(page) && page >= 1 ? Math.min(page, MAX_PAGE) : 1,
    q: cut(parameters.get('q') ?? '', MAX_QUERY_LENGTH),
    tag: cut(parameters.get('tag') ?? '', MAX_TAG_LENGTH),
    sort: sort ?? 'new',
    favoritesOnly: parameters.get('favorites') === '1',
  };
}

/** The address of a list; what is as usual is left out. */
export function formatGalleryQuery(query: GalleryQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.q) parameters.set('q', query.q);
  if (query.tag) parameters.set('tag', query.tag);
  if (query.sort !== 'new') parameters.set('sort', query.sort);
  if (query.favoritesOnly) parameters.set('favorites', '1');
  if (query.page > 1) parameters.set('page', String(query.page));
  return parameters;
}

/** Another list begins at its first page. */
export function changed(query: GalleryQuery, change: Partial<GalleryQuery>): GalleryQuery {
  return { ...query, page: 1, ...change };
}

export function isFiltered(query: GalleryQuery): boolean {
  return query.q.trim() !== '' || query.tag !== '' || query.favoritesOnly;
}

/** How many pages can be gone to. Beyond what the server counted there is one more at a time. */
export function pageCount(page: number, answer: { total: number; totalIsExact: boolean; hasNext: boolean }): number {
  const counted = Math.max(1, Math.ceil(answer.total / PAGE_SIZE));
  if (answer.totalIsExact) return counted;
  return Math.min(MAX_PAGE, Math.max(counted, page + (answer.hasNext ? 1 : 0)));
}

/** The first characters of a text, counted like the server does: by code points. */
function cut(text: string, length: number): string {
  return [...text].slice(0, length).join('');
}
