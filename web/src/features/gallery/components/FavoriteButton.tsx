import IconButton from '@mui/material/IconButton';
import Typography from '@mui/material/Typography';

import { HeartFilledIcon, HeartIcon } from '@/components/icons';
import type { Emoji } from '@/lib/api/schema';
import { selectUser } from '@/lib/api/session';
import { useFormats, useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch, useAppSelector } from '@/lib/store';

import { useAddFavoriteMutation, useRemoveFavoriteMutation } from '../api/favorites';
import { galleryMessages } from '../messages';

/** Favorite button with an optimistic update, which is undone if the server refuses. */
export function FavoriteButton({ emoji }: { emoji: Emoji }) {
  const t = useMessages(galleryMessages);
  const { number } = useFormats();
  const user = useAppSelector(selectUser);
  const dispatch = useAppDispatch();
  const [add] = useAddFavoriteMutation();
  const [remove] = useRemoveFavoriteMutation();
  const toggle = async () => {
    if (!user) return dispatch(notified(t.logInForFavorites, 'info'));
    const { error } = await (emoji.is_favorite ? remove : add)({ id: emoji.id });
    if (error) dispatch(notified(t.favoriteFailed, 'error'));
  };
  const label = (emoji.is_favorite ? t.removeFavorite : t.addFavorite)(emoji.name);
  return (
    <IconButton
      aria-pressed={emoji.is_favorite}
      onClick={() => void toggle()}
      sx={{ color: emoji.is_favorite ? 'error.main' : 'text.secondary', borderRadius: 999, gap: 0.5 }}
    >
      {emoji.is_favorite ? (
        <HeartFilledIcon fontSize="small" titleAccess={label} />
      ) : (
        <HeartIcon fontSize="small" titleAccess={label} />
      )}
      <Typography component="span" variant="body2" sx={{ fontVariantNumeric: 'tabular-nums' }}>
        {number(emoji.favorites)}
      </Typography>
    </IconButton>
  );
}
