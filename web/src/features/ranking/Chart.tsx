import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import { EmojiPicture } from '@/components/EmojiPicture';
import { useFormats, useMessages } from '@/lib/i18n';

import type { Entry } from './entries';
import { rankingMessages } from './messages';
import { barLength, ticks } from './scale';

/** Width of rank and picture left of the plot, in every row and above the scale. */
const LABEL_WIDTH = 88;

/** Bar chart, one bar per template; an ordered list for screen readers. */
export function Chart({ entries }: { entries: Entry[] }) {
  const t = useMessages(rankingMessages);
  const marks = ticks(Math.max(...entries.map(({ uses }) => uses)));
  const end = marks.at(-1) ?? 1;
  return (
    <Box component="section" aria-labelledby="chart-title">
      <Typography id="chart-title" variant="h3" component="h2" sx={{ mb: 2 }}>
        {t.chart}
      </Typography>
      <Box sx={{ position: 'relative' }}>
        <Scale marks={marks} end={end} />
        <Box component="ol" sx={{ listStyle: 'none', p: 0, m: 0, position: 'relative' }}>
          {entries.map((entry) => (
            <Bar key={entry.emoji.id} entry={entry} end={end} />
          ))}
        </Box>
      </Box>
    </Box>
  );
}

function Bar({ entry: { rank, emoji, uses }, end }: { entry: Entry; end: number }) {
  const t = useMessages(rankingMessages);
  const { number } = useFormats();
  return (
    <Box
      component="li"
      sx={{ display: 'grid', gridTemplateColumns: `${LABEL_WIDTH}px 1fr`, alignItems: 'center', py: 0.75 }}
    >
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 1 }}>
        <Typography
          component="span"
          variant="h4"
          aria-label={t.place(rank)}
          role="img"
          sx={{ width: 32, textAlign: 'right' }}
        >
          {rank}
        </Typography>
        <EmojiPicture emoji={emoji} expression="happy" alt="" size={40} />
      </Box>
      <Box sx={{ minWidth: 0 }}>
        <Box sx={{ display: 'flex', gap: 1, justifyContent: 'space-between', alignItems: 'baseline' }}>
          <Typography component={Link} to={`/templates/${emoji.id}`} variant="body2" sx={nameLink}>
            {emoji.name}
          </Typography>
          <Typography component="span" variant="body2" sx={{ fontWeight: 700, flexShrink: 0 }}>
            {t.uses(number(uses))}
          </Typography>
        </Box>
        <Box component="svg" aria-hidden width="100%" height="18" sx={{ display: 'block', color: 'primary.main' }}>
          <rect width={`${barLength(uses, end)}%`} height="18" rx="9" fill="currentColor" />
        </Box>
      </Box>
    </Box>
  );
}

/** Grid lines behind the bars, with their values. */
function Scale({ marks, end }: { marks: number[]; end: number }) {
  const { number } = useFormats();
  return (
    <Box
      component="svg"
      aria-hidden
      width={`calc(100% - ${LABEL_WIDTH}px)`}
      height="100%"
      sx={{ position: 'absolute', left: LABEL_WIDTH, overflow: 'visible', color: 'divider' }}
    >
      {marks.map((mark) => {
        const x = `${(mark / end) * 100}%`;
        return <line key={mark} x1={x} x2={x} y1="0" y2="100%" stroke="currentColor" strokeDasharray="2 4" />;
      })}
      {marks.map((mark) => (
        <Box
          component="text"
          key={mark}
          x={`${(mark / end) * 100}%`}
          y="100%"
          dy="1.2em"
          textAnchor={mark === end ? 'end' : 'middle'}
          sx={{ fill: 'currentColor', color: 'text.secondary', fontSize: 12 }}
        >
          {number(mark)}
        </Box>
      ))}
    </Box>
  );
}

const nameLink = {
  color: 'text.primary',
  fontWeight: 700,
  overflow: 'hidden',
  textOverflow: 'ellipsis',
  whiteSpace: 'nowrap',
} as const;
