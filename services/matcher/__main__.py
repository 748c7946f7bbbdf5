"""``python -m services.matcher``: runs the matcher alone."""

from services.matcher.bootstrap import build
from services.matcher.settings import MatcherSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(MatcherSettings, build)
