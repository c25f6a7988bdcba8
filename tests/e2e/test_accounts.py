"""Accounts through the gateway as a browser uses them: cookies, guests, renaming, export and deletion."""

import io
import json
import zipfile

import httpx

FROM_A_PAGE = {"X-Requested-With": "fetch"}


def refresh(http: httpx.Client, **options) -> httpx.Response:
    return http.post("/api/v1/users/auth/refresh", **{"json": {}, "headers": FROM_A_PAGE} | options)


def reason(answer: httpx.Response) -> str:
    return str(next(detail["reason"] for detail in answer.json()["details"] if "reason" in detail))


def test_refresh_cookie_keeps_a_browser_logged_in_until_logout(me):
    cookie = next(cookie for cookie in me.http.cookies.jar if cookie.name == "igemoji_refresh")
    assert (cookie.path, cookie.secure, cookie.has_nonstandard_attr("HttpOnly")) == ("/api/v1/users/auth", False, True)
    without = refresh(me.http, headers={})
    assert (without.status_code, reason(without)) == (403, "REQUESTED_WITH_MISSING")
    renewed = refresh(me.http)
    assert renewed.status_code == 200
    assert renewed.json()["user"]["alias"] == me.alias
    assert not renewed.json()["refresh_token"]
    assert me.http.cookies["igemoji_refresh"] != cookie.value
    me.token = renewed.json()["access_token"]
    assert me.get("/api/v1/users/me").status_code == 200
    assert me.http.post("/api/v1/users/auth/logout", headers=FROM_A_PAGE).status_code == 200
    assert "igemoji_refresh" not in me.http.cookies
    assert (refresh(me.http).status_code, reason(refresh(me.http))) == (401, "REFRESH_TOKEN_MISSING")


def test_refresh_token_in_body_on_request(me):
    me.http.cookies.clear()
    account = {"email": me.email, "password": me.password, "refresh_token_in_body": True}
    session = me.http.post("/api/v1/users/auth", json=account)
    assert "set-cookie" not in session.headers
    token = session.json()["refresh_token"]
    following = refresh(me.http, json={"refresh_token": token}, headers={}).json()["refresh_token"]
    assert following not in ("", token)


def test_wrong_passwords_are_rate_limited_with_retry_after(me):
    wrong = {"email": me.email, "password": "something else"}
    assert [me.http.post("/api/v1/users/auth", json=wrong).status_code for _ in range(10)] == [401] * 10
    limited = me.http.post("/api/v1/users/auth", json=wrong)
    assert (limited.status_code, reason(limited)) == (429, "TOO_MANY_TRIES")
    assert 0 < int(limited.headers["retry-after"]) <= 300


def test_registered_guest_keeps_templates_and_their_maker_is_renamed(newcomer, eventually):
    session = newcomer.http.post("/api/v1/users/guest", json={})
    assert (session.status_code, session.json()["user"]["role"]) == (201, "guest")
    newcomer.token = session.json()["access_token"]
    template = newcomer.make_template()
    assert template.status_code == 201
    account = {"email": newcomer.email, "password": newcomer.password, "alias": newcomer.alias}
    user = newcomer.http.post("/api/v1/users", json=account, headers=newcomer.headers)
    assert (user.status_code, user.json()["id"]) == (201, session.json()["user"]["id"])
    path = f"/api/v1/emojis/{template.json()['id']}"
    eventually(lambda: newcomer.http.get(path).json()["owner"]["alias"] == newcomer.alias)
    assert newcomer.log_in().status_code == 200
    renamed = newcomer.http.patch(
        "/api/v1/users/me", json={"alias": newcomer.alias[:15] + "new"}, headers=newcomer.headers
    )
    assert renamed.status_code == 200
    eventually(lambda: newcomer.http.get(path).json()["owner"]["alias"] == renamed.json()["alias"])


def test_registration_with_a_bad_token_is_refused(newcomer):
    account = {"email": newcomer.email, "password": newcomer.password, "alias": newcomer.alias}
    assert newcomer.http.post("/api/v1/users", json=account, headers={"Authorization": "Bearer x"}).status_code == 401


def test_password_change_and_reset_requests(me):
    path, change = "/api/v1/users/me/password", {"current_password": me.password, "new_password": "another passphrase"}
    assert me.http.put(path, json=change, headers=me.headers).status_code == 200
    assert me.log_in().status_code == 401
    assert refresh(me.http).status_code == 200, "the new cookie is valid"
    asked = me.http.post("/api/v1/users/password-reset", json={"email": me.email})
    unknown = me.http.post("/api/v1/users/password-reset", json={"email": "unknown@example.org"})
    assert (asked.status_code, asked.content) == (unknown.status_code, unknown.content) == (202, b"{}")
    token = {"token": "made-up", "new_password": "another passphrase"}
    assert me.http.post("/api/v1/users/password-reset/confirm", json=token).status_code == 400


def test_export_contains_everything_and_deletion_removes_it(me, group_photo, eventually):
    emoji = me.make_template().json()
    task = me.finished(group_photo, emoji["id"])
    answer = me.get("/api/v1/users/me/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert json.loads(archive.read("account.json"))["email"] == me.email
    assert archive.read(f"templates/{emoji['id']}/happy.png").startswith(b"\x89PNG")
    photo = next(name for name in archive.namelist() if name.startswith(f"results/{task['task_id']}/photo"))
    assert archive.read(photo) == me.get(task["image_url"]).content

    deletion = me.http.delete("/api/v1/users/me", headers=me.headers)
    assert deletion.status_code == 202
    eventually(lambda: me.http.get(deletion.headers["location"]).json()["complete"])
    assert me.get(task["image_url"]).status_code == 404
    assert me.http.get(f"/api/v1/emojis/{emoji['id']}").status_code == 404
    entries = me.http.get("/api/v1/faces/ranking?limit=100").json()["entries"]
    assert emoji["id"] not in [entry["emoji"]["id"] for entry in entries]
    assert me.get("/api/v1/users/me").status_code == 401
    assert me.log_in().status_code == 401
