import type { Emoji, GetRankingResponse } from '@/lib/api/schema';

export interface Entry {
  /** From 1; equal use counts share a rank. */
  rank: number;
  emoji: Emoji;
  uses: number;
}

/** Return the entries whose template still exists. */
export function shownEntries(ranking: GetRankingResponse): Entry[] {
  return ranking.entries.flatMap(({ rank, emoji, uses }) => (emoji ? [{ rank, emoji, uses }] : []));
}
