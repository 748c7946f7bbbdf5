"""``python -m services.trialfeed``: runs the trial feed alone."""

from services.trialfeed.bootstrap import build
from services.trialfeed.settings import TrialfeedSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(TrialfeedSettings, build)
