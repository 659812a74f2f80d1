"""The nouns of the assessment. In: plain data. Out: plain data; no input or output, no database, no pandas."""
