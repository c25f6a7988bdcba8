import Box from '@mui/material/Box';
import ButtonBase from '@mui/material/ButtonBase';
import { keyframes } from '@mui/material/styles';
import { useState } from 'react';

import { EXPRESSION_PICTURES } from '@/components/expressionPictures';
import { Picture } from '@/components/Picture';
import { EXPRESSIONS, useExpressionNames, type Expression } from '@/lib/expressions';
import { useMessages } from '@/lib/i18n';

import { WHEEL_POSITIONS, landingMessages } from '../landingMessages';

const pop = keyframes`
  from { transform: scale(0.6) rotate(-8deg); }
  60% { transform: scale(1.08) rotate(4deg); }
  to { transform: none; }
`;

/** Seven pictures in a circle around the chosen one. */
export function ExpressionWheel() {
  const t = useMessages(landingMessages);
  const names = useExpressionNames();
  const [chosen, setChosen] = useState<Expression>('happy');
  return (
    <Box
      role="group"
      aria-label={t.pick}
      sx={{ position: 'relative', width: '100%', maxWidth: 440, aspectRatio: '1', mx: 'auto' }}
    >
      <Box
        sx={{
          position: 'absolute',
          inset: '14%',
          borderRadius: '50%',
          bgcolor: '#ffe08a',
          display: 'grid',
          placeItems: 'center',
          alignContent: 'center',
          gap: 1,
        }}
      >
        <Picture
          key={chosen}
          src={EXPRESSION_PICTURES[chosen]}
          alt=""
          size="62%"
          sx={{ animation: `${pop} 0.35s ease-out`, '@media (prefers-reduced-motion: reduce)': { animation: 'none' } }}
        />
        <Box aria-live="polite" sx={{ typography: 'h3', lineHeight: 1 }}>
          {names[chosen]}
        </Box>
      </Box>
      {EXPRESSIONS.map((expression) => (
        <ButtonBase
          key={expression}
          aria-label={names[expression]}
          aria-pressed={expression === chosen}
          onClick={() => setChosen(expression)}
          sx={{
            position: 'absolute',
            left: `${WHEEL_POSITIONS[expression].x}%`,
            top: `${WHEEL_POSITIONS[expression].y}%`,
            translate: '-50% -50%',
            p: 0.75,
            borderRadius: '50%',
            transition: 'scale 0.15s',
            '&:hover': { scale: '1.15' },
            '&[aria-pressed=true]': { bgcolor: '#fff8e6' },
            '&.Mui-focusVisible': { outlineColor: '#2a1f14' },
          }}
        >
          <Picture src={EXPRESSION_PICTURES[expression]} alt="" size={52} />
        </ButtonBase>
      ))}
    </Box>
  );
}
