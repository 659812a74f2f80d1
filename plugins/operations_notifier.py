"""Telling people. In: alarms, or the failure of a step. Out: a mail, a call of a webhook, or only a line in the log.

Nothing leaves the host by default. Whoever wants messages makes one of two connections in Airflow (or both):

* ``fazhi_alarm_mail`` (SMTP): host, port, login, password; ``from_email`` and ``to`` (a list or text) in its extras.
* ``fazhi_alarm_webhook`` (HTTP): the address; the password, if there is one, is sent as bearer token.

``OperationsNotifier`` is a notifier of Airflow: as ``on_failure_callback`` it tells of a step that failed; the DAG
``operations`` hands it the alarms that are news.
"""

import html
import logging
from collections.abc import Sequence
from typing import Any

import requests
from airflow.sdk import BaseHook
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowNotFoundException

from fazhi.model.errors import Unreachable

logger = logging.getLogger("airflow.task")

MAIL = "fazhi_alarm_mail"
WEBHOOK = "fazhi_alarm_webhook"
TASK_FAILED = "task-failed"
_TIMEOUTS = (5, 20)


class OperationsNotifier(BaseNotifier):
    """Tells by every channel that is configured, and logs in any case.

    Args:
        subject: What it is about, one line; for a step that failed it is made from the context.
        text: The message.
        alarms: The alarms as plain data, for machines behind the webhook.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, subject: str = "", text: str = "", alarms: Sequence[dict[str, str]] = ()) -> None:
        super().__init__()
        self.subject = subject
        self.text = text
        self.alarms = list(alarms)

    def notify(self, context: Any) -> None:
        """Tell.

        Raises:
            Unreachable: A channel did not take the message; the others were tried all the same.
        """
        subject, text, alarms = self.subject, self.text, self.alarms
        if not subject:
            subject, text, alarms = _of_failure(context)
        logger.warning("%s\n%s", subject, text)
        failures = []
        for name, connection_id, send in (("邮件", MAIL, _mail), ("网络通知", WEBHOOK, _call)):
            connection = _connection_of(connection_id)
            if connection is None:
                continue
            try:
                send(connection, subject, text, alarms, context)
            except Exception as failure:  # every channel is tried; what failed is told below
                failures.append(f"{name}（连接 {connection_id}）：{type(failure).__name__} {failure}")
        if failures:
            raise Unreachable(f"告警没有送达：{'；'.join(failures)}")


def _of_failure(context: Any) -> tuple[str, str, list[dict[str, str]]]:
    """What is told of a step that failed."""
    from fazhi.operations.alarm import alarm
    from fazhi.operations.limits import Limits
    from fazhi.operations.telling import in_words
    from pipeline_task import settings

    instance, run = context["ti"], context["dag_run"]
    year = run.partition_key or "（未给出）"
    failed = alarm(
        Limits.load(settings().limits_file).kinds[TASK_FAILED],
        f"流程 {instance.dag_id} 的步骤 {instance.task_id} 失败，考评年度 {year}，执行 {run.run_id}，"
        f"第 {instance.try_number} 次尝试：{context.get('exception')}",
        subject=f"{instance.dag_id}/{instance.task_id}",
    )
    return (*in_words((failed,)), [failed.to_json()])


def _mail(connection: Any, subject: str, text: str, _alarms: Any, context: Any) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # only where mails are sent

    to = connection.extra_dejson.get("to")
    if not to:
        raise ValueError(f"连接 {MAIL} 的附加信息里没有收件人 to")
    body = f"<pre>{html.escape(text)}</pre>"
    SmtpNotifier(to=to, subject=subject, html_content=body, smtp_conn_id=MAIL).notify(context)


def _call(connection: Any, subject: str, text: str, alarms: Any, _context: Any) -> None:
    from fazhi.settings import url_of_connection

    headers = {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
    message = {"subject": subject, "text": text, "alarms": alarms}
    answer = requests.post(
        url_of_connection(connection), json=message, headers=headers, timeout=_TIMEOUTS, allow_redirects=False
    )
    if not answer.ok or answer.is_redirect:
        raise ValueError(f"对方应答 {answer.status_code}")


def _connection_of(connection_id: str) -> Any | None:
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None
