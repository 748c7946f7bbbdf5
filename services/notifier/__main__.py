"""``python -m services.notifier``: runs the notifier alone."""

from services.notifier.bootstrap import build
from services.notifier.settings import NotifierSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(NotifierSettings, build)
