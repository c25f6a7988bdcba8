import Avatar from '@mui/material/Avatar';
import Divider from '@mui/material/Divider';
import IconButton from '@mui/material/IconButton';
import Menu from '@mui/material/Menu';
import MenuItem from '@mui/material/MenuItem';
import { useId, useState } from 'react';
import { Link, useNavigate } from 'react-router';

import { PersonIcon } from '@/components/icons';
import { useLogoutMutation } from '@/lib/api/accounts';
import { useErrorMessage } from '@/lib/api/errorMessages';
import type { User } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useAppDispatch } from '@/lib/store';

import { appMessages } from './messages';

export default function AccountMenu({ user }: { user: User }) {
  const t = useMessages(appMessages);
  const errorMessage = useErrorMessage();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const [logOut] = useLogoutMutation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const id = useId();
  const guest = user.role === 'guest';
  const close = () => setAnchor(null);

  async function leave() {
    close();
    const { error } = await logOut();
    if (error) {
      dispatch(notified(errorMessage(error), 'error'));
      return;
    }
    dispatch(notified(t.loggedOut));
    await navigate('/');
  }

  return (
    <>
      <IconButton
        aria-label={guest ? t.guest : t.accountOf(user.alias)}
        aria-haspopup="menu"
        aria-controls={anchor ? id : undefined}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <Avatar sx={{ width: 34, height: 34, bgcolor: 'primary.main', color: 'primary.contrastText', fontWeight: 700 }}>
          {guest ? <PersonIcon fontSize="small" /> : [...user.alias][0]!.toUpperCase()}
        </Avatar>
      </IconButton>
      <Menu id={id} anchorEl={anchor} open={anchor !== null} onClose={close}>
        {guest && (
          <MenuItem component={Link} to="/signup" onClick={close}>
            {t.signUp}
          </MenuItem>
        )}
        <MenuItem component={Link} to="/me" onClick={close}>
          {t.myPage}
        </MenuItem>
        <MenuItem component={Link} to="/account" onClick={close}>
          {t.account}
        </MenuItem>
        {user.role === 'operator' && (
          <MenuItem component={Link} to="/moderation" onClick={close}>
            {t.moderation}
          </MenuItem>
        )}
        <Divider />
        <MenuItem onClick={() => void leave()}>{t.logOut}</MenuItem>
      </Menu>
    </>
  );
}
