"""Rewrites the committed submissions of the published figures: ``python -m fazhi.synth``.

In: ``include/samples/published/*.csv``, the registry, the editions. Out: ``include/samples/published/submissions/``.
To be run and committed after any of them changed; a test fails while they disagree.
"""

import shutil

from fazhi.registry import load_registry
from fazhi.settings import Settings
from fazhi.synth.published import PublishedOutcome, published_inbox, write_published
from fazhi.systems import load_editions


def main() -> PublishedOutcome:
    """Write the submissions anew, so that none of a former mapping remains."""
    settings = Settings.load(environ={})
    editions = load_editions(settings.systems_dir)
    registry = load_registry(settings.registry_dir, editions)
    inbox = published_inbox()
    if inbox.is_dir():
        shutil.rmtree(inbox)
    return write_published(inbox, registry, editions)


if __name__ == "__main__":
    written = main()
    print(f"公开数据样本：{written.figures}个数字，{written.rows}行，{written.submissions}份报送")
