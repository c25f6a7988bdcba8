import Box from '@mui/material/Box';
import Chip from '@mui/material/Chip';
import FormControlLabel from '@mui/material/FormControlLabel';
import Switch from '@mui/material/Switch';
import Typography from '@mui/material/Typography';
import { useEffect, useId, useRef } from 'react';

import { EmojiPicture } from '@/components/EmojiPicture';
import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { Picture } from '@/components/Picture';
import type { Emoji, Face } from '@/lib/api/schema';
import { EXPRESSIONS, type Expression, isExpression, useExpressionNames } from '@/lib/expressions';
import { useFormats, useMessages } from '@/lib/i18n';
import { rankedScores } from '@/lib/tasks/taskState';

import type { Revision } from '../hooks/useTask';
import { messages } from '../messages';

interface Props {
  face: Face;
  /** Undefined if the template was deleted. */
  emoji: Emoji | undefined;
  /** Null if the result cannot be revised any more. */
  onRevise: ((revision: Revision) => void) | null;
}

/** One face: its scores, and controls to change its expression and cover. */
export function FacePanel({ face, emoji, onRevise }: Props) {
  const t = useMessages(messages);
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: 'nearest' }), [face.face]);
  return (
    <Box sx={{ display: 'grid', gap: 2.5 }}>
      {/* Scrolled into view, clear of the app's bars. */}
      <Box ref={panel} sx={{ display: 'grid', gap: 2.5, scrollMargin: '88px 0' }}>
        <Box sx={{ display: 'flex', alignItems: 'center', flexWrap: 'wrap', gap: 1.5 }}>
          {isExpression(face.expression) && <TemplatePicture emoji={emoji} expression={face.expression} size={56} />}
          <Typography variant="h3" component="h2">
            {t.face(face.face + 1)}
          </Typography>
          {face.uncertain && <Chip size="small" color="primary" label={t.uncertain} />}
        </Box>
        <ExpressionChoice face={face} emoji={emoji} onRevise={onRevise} />
      </Box>
      <FormControlLabel
        control={
          <Switch
            checked={face.covered}
            disabled={!onRevise}
            onChange={(_, covered) => onRevise?.({ face: face.face, covered })}
          />
        }
        label={t.cover}
      />
      <Scores face={face} />
    </Box>
  );
}

/** Choice of the expression whose picture covers the face. */
function ExpressionChoice({ face, emoji, onRevise }: Props) {
  const t = useMessages(messages);
  const names = useExpressionNames();
  const group = useId();
  return (
    <Box
      component="fieldset"
      disabled={!onRevise}
      sx={{ border: 0, p: 0, m: 0, minWidth: 0, opacity: onRevise ? 1 : 0.6 }}
    >
      <Typography component="legend" variant="h4" sx={{ p: 0, mb: 1 }}>
        {t.otherEmoji}
      </Typography>
      <Box sx={{ display: 'grid', gridTemplateColumns: 'repeat(4, minmax(0, 1fr))', gap: 0.5 }}>
        {EXPRESSIONS.map((expression) => (
          <Box
            key={expression}
            component="label"
            sx={{
              position: 'relative',
              display: 'grid',
              justifyItems: 'center',
              gap: 0.25,
              p: 0.75,
              borderRadius: 0.75,
              cursor: onRevise ? 'pointer' : 'default',
              border: '3px solid',
              borderColor: face.expression === expression ? 'primary.main' : 'transparent',
              '&:hover': { bgcolor: 'action.hover' },
              '&:has(:focus-visible)': { outline: '3px solid', outlineColor: 'secondary.main' },
            }}
          >
            <Box
              component="input"
              type="radio"
              name={group}
              checked={face.expression === expression}
              onChange={() => onRevise?.({ face: face.face, expression })}
              sx={{ position: 'absolute', opacity: 0, width: '1px', height: '1px' }}
            />
            <TemplatePicture emoji={emoji} expression={expression} size={44} />
            <Typography variant="caption" sx={{ textAlign: 'center', lineHeight: 1.2 }}>
              {names[expression]}
            </Typography>
          </Box>
        ))}
      </Box>
    </Box>
  );
}

function Scores({ face }: { face: Face }) {
  const t = useMessages(messages);
  const names = useExpressionNames();
  const { percent } = useFormats();
  const scores = rankedScores(face.scores);
  return (
    <Box sx={{ display: 'grid', gap: 1 }}>
      <Typography variant="h4" component="h3">
        {t.scores}
      </Typography>
      {scores.length === 0 && <Typography color="textSecondary">{t.noScores}</Typography>}
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: 'none', display: 'grid', gap: 0.75 }}>
        {scores.map(({ expression, score }) => (
          <Box
            component="li"
            key={expression}
            sx={{ display: 'grid', gridTemplateColumns: '6.5em 1fr 3em', gap: 1, alignItems: 'center' }}
          >
            <Typography variant="body2">{names[expression]}</Typography>
            <Box aria-hidden sx={{ height: 12, borderRadius: 1.5, bgcolor: 'action.hover', overflow: 'hidden' }}>
              <Box
                sx={{ height: 1, borderRadius: 1.5, bgcolor: 'primary.main', transition: 'width 300ms' }}
                style={{ width: `${String(100 * score)}%` }}
              />
            </Box>
            <Typography variant="body2" sx={{ textAlign: 'right', fontVariantNumeric: 'tabular-nums' }}>
              {percent(score)}
            </Typography>
          </Box>
        ))}
      </Box>
      <Typography variant="caption" color="textSecondary">
        {t.scoresNote}
      </Typography>
    </Box>
  );
}

/** Picture of the template, or the app's own if the template was deleted. */
export function TemplatePicture({
  emoji,
  expression,
  size,
}: {
  emoji: Emoji | undefined;
  expression: Expression;
  size: number;
}) {
  if (!emoji) return <Picture src={EXPRESSION_PICTURES[expression]} alt="" size={size} />;
  return <EmojiPicture emoji={emoji} expression={expression} alt="" size={size} />;
}
