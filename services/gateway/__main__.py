"""``python -m services.gateway``: runs the real-time door alone."""

from services.gateway.bootstrap import build
from services.gateway.settings import GatewaySettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(GatewaySettings, build)
