"""``python -m services.matchbook``: runs the matchbook alone."""

from services.matchbook.bootstrap import build
from services.matchbook.settings import MatchbookSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(MatchbookSettings, build)
