import { useNavigate } from 'react-router';

import { ConfirmDialog } from '@/components/ConfirmDialog';
import { useDeleteEmojiMutation } from '@/lib/api/emojis';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { Emoji } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { templateMessages } from '../messages';

interface Props {
  emoji: Emoji;
  open: boolean;
  onClose: () => void;
}

/** Confirm and delete one of the user's own templates, then return to the gallery. */
export function DeleteTemplateDialog({ emoji, open, onClose }: Props) {
  const t = useMessages(templateMessages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const [remove, { isLoading }] = useDeleteEmojiMutation();
  const confirmed = async () => {
    const { error } = await remove({ id: emoji.id });
    onClose();
    if (error) {
      dispatch(notified(errorMessage(error), 'error'));
      return;
    }
    dispatch(notified(t.removed(emoji.name)));
    await navigate('/templates', { replace: true });
  };
  return (
    <ConfirmDialog
      open={open}
      title={t.removeTitle(emoji.name)}
      confirm={t.remove}
      destructive
      busy={isLoading}
      onConfirm={() => void confirmed()}
      onClose={onClose}
    >
      {t.removeText}
    </ConfirmDialog>
  );
}
