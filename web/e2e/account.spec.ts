import { inject, expect, test } from 'vitest';

import { close, expectQuiet, look, open, somebody, useBrowser } from './fixtures';
import { resetLink } from './mesh';

useBrowser();

for (const [size, language] of [
  ['phone', 'ko'],
  ['desktop', 'en'],
] as const) {
  const korean = language === 'ko';

  test(`the first screens welcome people on a ${size}, in ${language}`, async () => {
    const page = await open('/', { size, language });
    await page
      .getByRole('heading', { name: korean ? '지금 당신의 표정은?' : 'What is your expression now?' })
      .waitFor();
    await page.getByRole('button', { name: korean ? '놀람' : 'Surprised' }).click();
    await look(page, 'landing');
    await page.goto('/nowhere');
    await page.getByText(korean ? '여기에는 아무것도 없어요' : 'There is nothing here').waitFor();
    await look(page, 'lost');
    await page.goto('/forgot-password');
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill('minji@example.org');
    await page.getByRole('button', { name: korean ? '링크 보내기' : 'Send the link' }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'forgot-password');
    await close(page);
  });

  test(`somebody signs up, logs out and logs in on a ${size}, in ${language}`, async () => {
    const other = await somebody();
    const page = await open('/signup', { size, language });
    const alias = `${other.alias}x`;
    await page.getByLabel(korean ? '닉네임' : 'Name').fill(other.alias);
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill(`${alias}@example.org`);
    await page.getByText(korean ? '이미 사용 중인 닉네임이에요.' : 'Somebody has this name already.').waitFor();
    await look(page, 'sign-up');
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

    await page.goto('/account'); // needs a login, and comes back
    await page.getByLabel(korean ? '이메일' : 'E-mail address').fill(`${alias}@example.org`);
    await page
      .getByLabel(korean ? '비밀번호' : 'Password', { exact: false })
      .first()
      .fill('not this one');
    await page.getByRole('button', { name: korean ? '로그인' : 'Log in', exact: true }).click();
    await page.getByText(korean ? '맞지 않아요' : 'is not right').waitFor();
    await look(page, 'log-in');
    await page
      .getByLabel(korean ? '비밀번호' : 'Password', { exact: false })
      .first()
      .fill('a long enough one');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/account');
    await page.getByText(`${alias}@example.org`).waitFor();
    await look(page, 'account');
    await close(page);
  });
}

test('a name, a password, all data and the account itself are in their owner’s hands', async () => {
  const me = await somebody();
  const page = await open('/account', { as: me });
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
  await look(page, 'delete-account', { fullPage: false });
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('Your account is deleted.', { exact: false }).waitFor();
  await page.getByRole('link', { name: 'Log in' }).waitFor();
  await close(page);
});

test('a forgotten password is chosen anew by a link, which counts once', async () => {
  const me = await somebody();
  const link = resetLink(me.email, inject('data'));
  const page = await open(link);
  await page.getByLabel('New password').fill('a brand new one');
  await look(page, 'reset-password');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('Your new password counts', { exact: false }).waitFor();
  await page.getByLabel('E-mail address').fill(me.email);
  await page.getByLabel('Password', { exact: false }).first().fill('a brand new one');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/make*');

  await page.goto('/'); // only the fragment changes from the link to itself
  await page.goto(link);
  await page.getByLabel('New password').fill('and yet another one');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await page.getByText('This link was used already', { exact: false }).waitFor();
  await close(page);
});

test('a session that ends is taken up again over the form, which keeps what was typed', async () => {
  const me = await somebody();
  const page = await open('/account', { as: me });
  await page.getByLabel('Name').fill('halfway');
  // As after two weeks: neither token is good any more.
  await page.context().clearCookies();
  await page.route('**/api/v1/users/me', (route) =>
    route.fulfill({ status: 401, json: { code: 16, message: '', details: [] } }),
  );
  await page.getByRole('button', { name: 'Save the name' }).click();
  const dialog = page.getByRole('dialog', { name: 'You were logged out' });
  await dialog.waitFor();
  await look(page, 'expired', { fullPage: false });
  await page.unroute('**/api/v1/users/me');
  await dialog.getByLabel('Password', { exact: false }).first().fill(me.password);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Name').inputValue()).toBe('halfway');
  await close(page);
});

test('the switches turn language and colours, and remember them', async () => {
  const page = await open('/login', { size: 'phone', language: 'en', theme: 'light' });
  await page.getByRole('button', { name: '한국어로 보기' }).click();
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  await page.getByRole('button', { name: '어두운 색으로' }).click();
  await page.reload();
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  await page.getByRole('button', { name: '밝은 색으로' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  await close(page);
});

test('the app starts without a network, once it was there, and says so', async () => {
  const page = await open('/');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.context().setOffline(true);
  await page.goto('/login');
  await page.getByText('You are offline', { exact: false }).waitFor();
  await look(page, 'offline', { fullPage: false });
  await page.context().setOffline(false);
  await page.getByText('You are offline', { exact: false }).waitFor({ state: 'detached' });
  expectQuiet(page);
  await page.context().close();
});

test('by keyboard one skips to the content and goes on from there', async () => {
  const page = await open('/login');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Skip to content' }).press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('email');
  await close(page);
});
