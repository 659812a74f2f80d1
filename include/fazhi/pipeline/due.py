"""By when corrections are due. In: the edition's deadlines, a period. Out: the day in Chinese, for what goes back."""

from datetime import datetime

from fazhi.model.period import Period
from fazhi.pipeline.ground import SHANGHAI, Ground
from fazhi.registry.calendar import WorkingDays
from fazhi.validate.deadlines import due_second


def due_zh(ground: Ground, period: Period, now: datetime) -> str:
    """``2025年1月20日前``, or that the day is past; empty where the edition sets no deadline.

    Raises:
        ConfigurationError: The deadline or the working days are faulty.
    """
    last = due_second(
        ground.edition(period.year), period, lambda: WorkingDays.load(ground.settings.holidays_dir)
    )
    if last is None:
        return ""
    day = datetime.fromtimestamp(last, SHANGHAI)
    written = f"{day.year}年{day.month}月{day.day}日"
    return f"{written}前" if now.timestamp() <= last else f"尽快（报送期限是{written}，已过）"
