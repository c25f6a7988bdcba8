import type { Emoji, GetRankingResponse } from '@/lib/api/schema';

export interface Entry {
  /** From 1; equals share it. */
  rank: number;
  emoji: Emoji;
  uses: number;
}

export function shownEntries(ranking: GetRankingResponse): Entry[] {
  return ranking.entries.flatMap(({ rank, emoji, uses }) => (emoji ? [{ rank, emoji, uses }] : []));
}
