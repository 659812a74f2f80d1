"""Airflow reads its settings when it is first imported: the home for tests comes before any test module."""

import support.airflow_room  # noqa: F401
