"""How a step of the pipeline runs as an Airflow task. In: a stage. Out: a task that stops in plain words.

Nothing here is a business rule. ``settings`` lets Airflow's connections win over the environment;
``in_plain_words`` turns an expected stop into one log line without a traceback; ``RETRY_POLICY`` tries again only
where waiting can help; ``tell_problems`` logs what could not be used; ``tell_failure`` names the step, the year and
the reason in the log; ``away`` and ``stop_for_sources_away`` let a run go on without a source that is down and fail
at its end; ``ValidationOperator`` is the kind of step that carries the link to a validation report.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import BaseHook, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowNotFoundException

from fazhi.model.errors import FazhiError, SystemFault, Unreachable
from fazhi.settings import Settings

logger = logging.getLogger("airflow.task")


class Stop(SystemExit):
    """An expected stop. Airflow logs an exit without the traceback that it adds to every other exception."""

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(exit_status)
        self.message = message

    def __str__(self) -> str:
        return self.message


class FinalStop(Stop):
    """Trying again would end the same way: wrong usage, a faulty edition, a refusal."""


class PassingStop(Stop):
    """A source or the platform could not be reached: worth another try."""


RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=FinalStop, action=RetryAction.FAIL, reason="再试也是同样的结果，不再重试"),
        RetryRule(exception=PassingStop, action=RetryAction.DEFAULT, reason="对方暂时连不上，稍后自动重试"),
    ]
)


class ValidationOperator(PythonOperator):
    """A step that validates: a Python step with the link to its run's report (``validation_report``)."""


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Stop the task with the message of an expected error, and with nothing else.

    Raises:
        PassingStop: In place of ``Unreachable``.
        FinalStop: In place of every other ``FazhiError``.
    """
    try:
        yield
    except FazhiError as error:
        logger.error("%s", error)
        stop = PassingStop if isinstance(error, Unreachable) else FinalStop
        raise stop(str(error), error.exit_status) from None


def settings() -> Settings:
    """The settings of this deployment; a connection of Airflow wins over the environment."""
    return Settings.load(connection_of=_connection_of)


def tell_problems(counts: dict[str, Any]) -> dict[str, Any]:
    """Log what could not be used, one line each; the counts with only their number (XCom carries no texts)."""
    for problem in counts["problems"]:
        logger.error("%s", problem)
    return {**counts, "problems": len(counts["problems"])}


def tell_failure(context: Any) -> None:
    """Say in the task's log which step of which year failed, and why."""
    instance, reason = context["ti"], context.get("exception")
    year = context["dag_run"].partition_key or "（未给出）"
    logger.error(
        "步骤 %s 失败，考评年度 %s，第 %s 次尝试：%s", instance.task_id, year, instance.try_number, reason
    )


def on_last_try(context: Any) -> bool:
    """Whether no further try of this task follows by itself."""
    instance = context["ti"]
    return bool(instance.try_number > instance.max_tries)


def away(context: Any, source: str, reason: Unreachable) -> dict[str, Any]:
    """What a source gave that could not be reached: nothing, so that the others go on.

    Raises:
        Unreachable: Another try follows.
    """
    if not on_last_try(context):
        raise reason
    logger.error("%s", reason)
    return {"source": source, "reached": False}


def stop_for_sources_away(collected: Iterable[dict[str, Any]], titles: dict[str, str]) -> None:
    """Fail where a source could not be reached, after everything else went on without it.

    Raises:
        FinalStop: Naming the sources; it is the system's matter, not a department's.
    """
    missing = [titles.get(one["source"], one["source"]) for one in collected if not one.get("reached", True)]
    if missing:
        with in_plain_words():
            raise SystemFault(
                f"没有连上：{'、'.join(missing)}（原因见“采集材料”的日志）。其余来源的材料已照常采集、核验、计分；"
                "这是系统的问题，不是报送单位的问题，下次执行会接着收取"
            )


def _connection_of(connection_id: str) -> Any | None:
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None
