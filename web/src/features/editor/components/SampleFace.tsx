import type { Expression } from '@/lib/expressions';

/**
 * Drawn person for trying a template without a photo. The emoji covers the face as in a result: its side is 1.25 times
 * that of the face, and the face under it is a mosaic.
 */
export function SampleFace({
  expression,
  emoji,
  title,
}: {
  expression: Expression;
  emoji: string | null;
  title: string;
}) {
  return (
    <svg
      viewBox="0 0 320 320"
      role="img"
      aria-label={title}
      style={{ display: 'block', width: '100%', height: 'auto' }}
    >
      <rect width="320" height="320" fill="#ffe08a" />
      <circle cx="52" cy="58" r="26" fill="#ffd052" />
      <circle cx="276" cy="96" r="16" fill="#ffd052" />
      <circle cx="262" cy="40" r="8" fill="#fff3cf" />
      <Body />
      {emoji ? <Mosaic /> : <FaceFeatures expression={expression} />}
      {emoji && <image href={emoji} x={X - EMOJI / 2} y={Y - EMOJI / 2} width={EMOJI} height={EMOJI} />}
    </svg>
  );
}

const X = 160;
const Y = 158;
const FACE = { width: 112, height: 132 };
const EMOJI = 1.25 * FACE.height;

const SKIN = '#f6c9a4';
const SHADE = '#e7ac84';
const INK = '#4a2f27';

function Body() {
  return (
    <g>
      <path d="M84 152c0-66 36-96 76-96s76 30 76 96c0 34-4 62-12 84H96c-8-22-12-50-12-84z" fill={INK} />
      <path d="M52 320c4-52 42-78 108-78s104 26 108 78z" fill="#3f8f86" />
      <path d="M136 206h48v36c0 16-48 16-48 0z" fill={SHADE} />
      <ellipse cx={X - 58} cy={Y + 4} rx="10" ry="14" fill={SHADE} />
      <ellipse cx={X + 58} cy={Y + 4} rx="10" ry="14" fill={SHADE} />
      <ellipse cx={X} cy={Y} rx={FACE.width / 2} ry={FACE.height / 2} fill={SKIN} />
      <path d="M104 144c2-44 26-60 56-60s54 16 56 60c-14-8-22-20-26-32-22 16-54 22-86 32z" fill={INK} />
    </g>
  );
}

function FaceFeatures({ expression }: { expression: Expression }) {
  const { brows, eyes, mouth } = DRAWN[expression];
  return (
    <g fill="none" stroke={INK} strokeWidth="5" strokeLinecap="round" strokeLinejoin="round">
      <path d={`M122 ${brows.outer}L144 ${brows.inner}M198 ${brows.outer}L176 ${brows.inner}`} />
      {[134, 186].map((x) =>
        eyes === 'closed' ? (
          <path key={x} d={`M${x - 9} 160q9 -10 18 0`} />
        ) : (
          <ellipse
            key={x}
            cx={x}
            cy="157"
            rx={eyes === 'wide' ? 8 : 5}
            ry={{ wide: 10, open: 7, narrow: 3 }[eyes]}
            fill={INK}
            stroke="none"
          />
        ),
      )}
      <path d="M160 164q-6 14 3 15" stroke={SHADE} strokeWidth="4" />
      {mouth.open ? <path d={mouth.path} fill="#8c2f39" strokeWidth="4" /> : <path d={mouth.path} />}
    </g>
  );
}

interface Features {
  /** Heights of the ends of the brows. */
  brows: { outer: number; inner: number };
  eyes: 'open' | 'wide' | 'narrow' | 'closed';
  mouth: { path: string; open?: boolean };
}

const DRAWN: Record<Expression, Features> = {
  angry: { brows: { outer: 136, inner: 147 }, eyes: 'narrow', mouth: { path: 'M140 204q20 -12 40 0' } },
  disgust: { brows: { outer: 139, inner: 146 }, eyes: 'narrow', mouth: { path: 'M138 198q10 -10 20 0t24 -4' } },
  fear: {
    brows: { outer: 142, inner: 132 },
    eyes: 'wide',
    mouth: { path: 'M140 202q20 -16 40 0q-20 6 -40 0z', open: true },
  },
  happy: {
    brows: { outer: 138, inner: 136 },
    eyes: 'closed',
    mouth: { path: 'M134 188q26 4 52 0q-4 26 -26 26t-26 -26z', open: true },
  },
  sad: { brows: { outer: 144, inner: 134 }, eyes: 'open', mouth: { path: 'M142 206q18 -14 36 0' } },
  surprise: {
    brows: { outer: 132, inner: 130 },
    eyes: 'wide',
    mouth: { path: 'M160 188c14 0 14 26 0 26s-14 -26 0 -26z', open: true },
  },
  neutral: { brows: { outer: 140, inner: 140 }, eyes: 'open', mouth: { path: 'M142 200h36' } },
};

const CELLS = 6;
const TONES = [SKIN, SHADE, '#efbb93', '#d99b75', '#f3c19b'];

/** Coarse cells in place of the face, so that a transparent picture does not reveal it. */
function Mosaic() {
  const side = FACE.height / CELLS;
  const cells = Array.from({ length: CELLS * CELLS }, (_, index) => ({
    column: index % CELLS,
    row: Math.floor(index / CELLS),
  }));
  const inside = cells.filter(({ column, row }) => Math.hypot(column - 2.5, row - 2.5) < 3.3);
  return (
    <g>
      {inside.map(({ column, row }) => (
        <rect
          key={`${column} ${row}`}
          x={X + (column - CELLS / 2) * side}
          y={Y + (row - CELLS / 2) * side}
          width={side + 0.5}
          height={side + 0.5}
          fill={row === 0 ? INK : TONES[(column * 3 + row * 7) % TONES.length]}
        />
      ))}
    </g>
  );
}
