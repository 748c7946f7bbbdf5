"""``python -m services.coatcheck``: runs the coat check alone."""

from services.coatcheck.bootstrap import build
from services.coatcheck.settings import CoatcheckSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(CoatcheckSettings, build)
