"""The steward desk without its pages. In: the store, the ground, a person. Out: what each page shows, and its acts.

Read models return frozen dataclasses; lists are paged by keys, and no page reads all findings or all values of a
year. Nothing here knows of HTTP, HTML or Airflow.
"""
