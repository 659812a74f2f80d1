"""The pages of the steward desk. In: HTTP requests behind Airflow's login. Out: HTML, redirects, downloads.

``app`` puts the routes together; ``web`` is what a route is written with; ``security`` says who asks and whether a
form is ours; ``standing`` keeps store and ground between requests; ``language`` has the English of every text.
What is shown and done is ``fazhi.desk``'s.
"""
