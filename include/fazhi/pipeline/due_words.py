"""By when corrections are due. In: the edition's deadlines, extensions, a period. Out: the day in Chinese, for what goes back."""

from datetime import date, datetime

from fazhi.model.period import Period
from fazhi.pipeline.ground import SHANGHAI, Ground
from fazhi.registry.calendar import WorkingDays
from fazhi.store import read
from fazhi.store.extensions import extension
from fazhi.validate.deadlines import due_second, last_second


def due_zh(ground: Ground, period: Period, now: datetime, unit_code: str | None = None) -> str:
    """``2025年1月20日前``, or that the day is past; empty where no day is set.

    Args:
        ground: Edition, working days, store.
        period: The period reported on.
        now: The present moment.
        unit_code: Whose granted extension counts; ``None`` where there is no store to ask (the self-check).

    Raises:
        ConfigurationError: The deadline or the working days are faulty.
    """
    last = due_second(
        ground.edition(period.year), period, lambda: WorkingDays.load(ground.settings.holidays_dir)
    )
    granted = None
    if unit_code is not None:
        with read(ground.engine) as connection:
            granted = extension(connection, unit_code, str(period))
    if granted is not None:
        last = max(last or 0, last_second(date.fromisoformat(granted)))
    if last is None:
        return ""
    day = datetime.fromtimestamp(last, SHANGHAI)
    written = f"{day.year}年{day.month}月{day.day}日"
    return f"{written}前" if now.timestamp() <= last else f"尽快（报送期限是{written}，已过）"
