import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import IconButton from '@mui/material/IconButton';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import { AuthenticatedImage } from '@/components/AuthenticatedImage';
import { TrashIcon } from '@/components/icons';
import type { TaskResult } from '@/lib/api/schema';
import { useDeleteTaskMutation } from '@/lib/api/tasks';
import { useFormats, useMessages } from '@/lib/i18n';

import { messages } from './messages';
import { useConfirmedDelete } from './useConfirmedDelete';

/** A result in the list. */
export function ResultCard({ result }: { result: TaskResult }) {
  const t = useMessages(messages);
  const { date } = useFormats();
  const made = result.created_at ? date(result.created_at) : '';
  const [deleteTask] = useDeleteTaskMutation();
  const { ask, dialog } = useConfirmedDelete({
    title: t.deleteResult,
    text: t.deleteResultText,
    done: t.resultDeleted,
    remove: () => deleteTask({ task_id: result.task_id }).unwrap(),
  });
  const name = t.photo(result.faces, made);
  return (
    <Card component="li">
      <CardActionArea component={Link} to={`/results/${result.task_id}`}>
        <AuthenticatedImage
          path={result.image_url}
          alt={name}
          sx={{ width: 1, height: 'auto', aspectRatio: '1', objectFit: 'cover', display: 'block' }}
        />
      </CardActionArea>
      <Box sx={{ pl: { xs: 1.5, sm: 2 }, pr: 0.5, py: 1, display: 'flex', alignItems: 'center' }}>
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Typography variant="body2" sx={{ fontWeight: 700 }}>
            {t.faces(result.faces)}
          </Typography>
          <Typography variant="body2" color="textSecondary">
            {made}
          </Typography>
        </Box>
        <IconButton color="error" onClick={ask} aria-label={t.deleteNamed(name)} title={t.delete}>
          <TrashIcon fontSize="small" />
        </IconButton>
      </Box>
      {dialog}
    </Card>
  );
}
