import { useEffect } from 'react';

/** Set the title of the window; null leaves it as it is. */
export function usePageTitle(title: string | null): void {
  useEffect(() => {
    if (title !== null) document.title = `${title} · IGE MOJI`;
  }, [title]);
}
