"""Metrics of the auth service."""

from igemoji_mesh.observability.metrics import Metric

LOGINS = Metric("igemoji_logins_total", "Logins: ok, wrong_credentials or too_many_tries.", ("outcome",))
REFRESHES = Metric("igemoji_refreshes_total", "Refreshes of sessions: ok or refused.", ("outcome",))
MAILS = Metric("igemoji_mails_total", "E-mails: sent or failed. None without SMTP_URL.", ("outcome",))
