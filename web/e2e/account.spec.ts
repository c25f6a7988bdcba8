import { createAccount } from './api';
import { checkScreen, expect, test } from './fixtures';
import { createResetLink } from './mesh';

for (const [size, language] of [
  ['phone', 'ko'],
  ['desktop', 'en'],
] as const) {
  const korean = language === 'ko';

  test(`landing, not found and forgotten password on a ${size}, in ${language}`, async ({ openPage }) => {
    const page = await openPage('/', { size, language });
    await page
      .getByRole('heading', { name: korean ? '지금 당신의 표정은?' : 'What is your expression now?' })
      .waitFor();
    await page.getByRole('button', { name: korean ? '놀람' : 'Surprised' }).click();
    await checkScreen(page, 'landing');
    await page.goto('/nowhere');
    await page.getByText(korean ? '여기에는 아무것도 없어요' : 'There is nothing here').waitFor();
    await checkScreen(page, 'not-found');
    await page.goto('/forgot-password');
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill('minji@example.org');
    await page.getByRole('button', { name: korean ? '링크 보내기' : 'Send the link' }).click();
    await page.getByRole('alert').waitFor();
    await checkScreen(page, 'forgot-password');
  });

  test(`sign up, log out and log in on a ${size}, in ${language}`, async ({ openPage }) => {
    const other = await createAccount();
    const page = await openPage('/signup', { size, language });
    const alias = `${other.alias}x`;
    await page.getByLabel(korean ? '닉네임' : 'Name').fill(other.alias);
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill(`${alias}@example.org`);
    await page.getByText(korean ? '이미 사용 중인 닉네임이에요.' : 'Somebody has this name already.').waitFor();
    await checkScreen(page, 'sign-up');
    await page.getByLabel(korean ? '닉네임' : 'Name').fill(alias);
    await page
      .getByLabel(korean ? '비밀번호' : 'Password', { exact: false })
      .first()
      .fill('a long enough one');
    await page.getByRole('button', { name: korean ? '회원가입' : 'Sign up', exact: true }).click();
    await page.waitForURL('**/make*');

    await page.getByRole('button', { name: korean ? `${alias}님의 계정` : `Account of ${alias}` }).click();
    await page.getByRole('menuitem', { name: korean ? '로그아웃' : 'Log out' }).click();
    await page.getByText(korean ? '로그아웃했어요.' : 'You are logged out.').waitFor();

    await page.goto('/account'); // requires a login, and returns here
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill(`${alias}@example.org`);
    await page
      .getByLabel(korean ? '비밀번호' : 'Password', { exact: false })
      .first()
      .fill('not this one');
    await page.getByRole('button', { name: korean ? '로그인' : 'Log in', exact: true }).click();
    await page.getByText(korean ? '맞지 않아요' : 'is not right').waitFor();
    await checkScreen(page, 'log-in');
    await page
      .getByLabel(korean ? '비밀번호' : 'Password', { exact: false })
      .first()
      .fill('a long enough one');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/account');
    await page.getByText(`${alias}@example.org`).waitFor();
    await checkScreen(page, 'account');
  });
}

test('a user changes alias and password, exports all data and deletes the account', async ({ openPage }) => {
  const me = await createAccount();
  const page = await openPage('/account', { as: me });
  await page.getByLabel('Name').fill(`${me.alias}x`);
  await page.getByRole('button', { name: 'Save the name' }).click();
  await page.getByText('You have a new name.').waitFor();
  await page.getByRole('button', { name: `Account of ${me.alias}x` }).waitFor();

  await page.getByLabel('Current password').fill('not this one');
  await page.getByLabel('New password').fill('another long one');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('Your current password is not right.').waitFor();
  await page.getByLabel('Current password').fill(me.password);
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('Your password is changed.', { exact: false }).waitFor();

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download everything' }).click();
  expect((await download).suggestedFilename()).toBe('igemoji.zip');

  await page.getByRole('button', { name: 'Delete my account' }).click();
  await page.getByRole('dialog').waitFor();
  await checkScreen(page, 'delete-account', { fullPage: false });
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('Your account is deleted.', { exact: false }).waitFor();
  await page.getByRole('link', { name: 'Log in' }).waitFor();
});

test('a reset link sets a new password once', async ({ openPage }) => {
  const me = await createAccount();
  const link = createResetLink(me.email);
  const page = await openPage(link);
  await page.getByLabel('New password').fill('a brand new one');
  await checkScreen(page, 'reset-password');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('Your new password counts', { exact: false }).waitFor();
  await page.getByLabel('E-mail address').fill(me.email);
  await page.getByLabel('Password', { exact: false }).first().fill('a brand new one');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/make*');

  await page.goto('/'); // otherwise only the fragment would change
  await page.goto(link);
  await page.getByLabel('New password').fill('and yet another one');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('This link was used already', { exact: false }).waitFor();
});

test('a login after the session expired keeps the input of the form', async ({ openPage }) => {
  const me = await createAccount();
  const page = await openPage('/account', { as: me });
  await page.getByLabel('Name').fill('halfway');
  // As after two weeks: both tokens have expired.
  await page.context().clearCookies();
  await page.route('**/api/v1/users/me', (route) =>
    route.fulfill({ status: 401, json: { code: 16, message: '', details: [] } }),
  );
  await page.getByRole('button', { name: 'Save the name' }).click();
  const dialog = page.getByRole('dialog', { name: 'You were logged out' });
  await dialog.waitFor();
  await checkScreen(page, 'expired', { fullPage: false });
  await page.unroute('**/api/v1/users/me');
  await dialog.getByLabel('Password', { exact: false }).first().fill(me.password);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Name').inputValue()).toBe('halfway');
});

test('language and theme are switched and stored', async ({ openPage }) => {
  const page = await openPage('/login', { size: 'phone', language: 'en', theme: 'light' });
  await page.getByRole('button', { name: '한국어로 보기' }).click();
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  await page.getByRole('button', { name: '어두운 색으로' }).click();
  await page.reload();
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  await page.getByRole('button', { name: '밝은 색으로' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('ko');
});

test('the app starts offline after the first visit, and says so', async ({ openPage }) => {
  const page = await openPage('/');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.context().setOffline(true);
  await page.goto('/login');
  await page.getByText('You are offline', { exact: false }).waitFor();
  await checkScreen(page, 'offline', { fullPage: false });
  await page.context().setOffline(false);
  await page.getByText('You are offline', { exact: false }).waitFor({ state: 'detached' });
});

test('the skip link moves the keyboard focus to the content', async ({ openPage }) => {
  const page = await openPage('/login');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Skip to content' }).press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('email');
});
