"""fazhi: from departments' submissions to scores on the provincial rule-of-law assessment platform.

In: workbooks and CSV files of departments and offices, an edition of the indicator system, the unit registry.
Out: findings for departments, exact scores per unit and year, signed results on the assessment platform.

One way through: ``collect`` → ``intake`` → ``validate`` → ``review`` → ``score`` → ``publish``; each stage reads
committed rows of the ``store`` and commits new ones. ``pipeline`` names the steps that the command line and the
DAGs share.
"""

__version__ = "0.1.0"
