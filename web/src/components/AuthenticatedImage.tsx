import Box, { type BoxProps } from '@mui/material/Box';
import Skeleton from '@mui/material/Skeleton';
import { useEffect, useRef, useState, type RefObject } from 'react';
import { useStore } from 'react-redux';

import { authorizedFetch, type SessionStore } from '@/lib/api/http';

/** A picture that needs the access token, as a `blob:` URL. `url` is null until it is there. */
export function useAuthedImage(path: string | undefined): { url: string | null; failed: boolean } {
  const store = useStore() as SessionStore;
  const [loaded, setLoaded] = useState<{ path: string; url: string | null } | null>(null);

  useEffect(() => {
    if (!path) return;
    const controller = new AbortController();
    let url: string | null = null;
    patiently(() => authorizedFetch(store, path, { signal: controller.signal }))
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
        url = URL.createObjectURL(await answer.blob());
        if (controller.signal.aborted) URL.revokeObjectURL(url);
        else setLoaded({ path, url });
      })
      .catch(() => {
        if (!controller.signal.aborted) setLoaded({ path, url: null });
      });
    return () => {
      controller.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [path, store]);

  const current = loaded?.path === path ? loaded : null;
  return { url: current?.url ?? null, failed: current !== null && current.url === null };
}

const TRIES = 4;

/** Asks again where a service is busy for a moment. */
async function patiently(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask();
    if (![429, 503].includes(answer.status) || tries === TRIES) return answer;
    const seconds = Number(answer.headers.get('retry-after') ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(seconds, 5)));
  }
}

const NEAR = '400px';

/** Whether an element is on the screen or near it, or has been. */
function useNear(place: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(() => !('IntersectionObserver' in window));
  useEffect(() => {
    if (near || !place.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: NEAR,
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [near, place]);
  return near;
}

interface Props extends Omit<BoxProps<'img'>, 'component' | 'src'> {
  /** Below the gateway's address, such as `image_url` of a task. */
  path: string;
  alt: string;
}

/** Fetched when it comes near the screen, as `loading="lazy"` has it for pictures that need no token. */
export function AuthedImage({ path, alt, sx, ...others }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  const near = useNear(place);
  const { url, failed } = useAuthedImage(near ? path : undefined);
  if (!url) {
    const animation = failed ? false : 'wave';
    return <Skeleton ref={place} role="img" aria-label={alt} variant="rounded" animation={animation} sx={sx} />;
  }
  return <Box component="img" src={url} alt={alt} sx={sx} {...others} />;
}
