"""``python -m services.patientview``: runs patientview alone."""

from services.patientview.bootstrap import build
from services.patientview.settings import PatientviewSettings
from trialbridge.runtime.serve import serve

if __name__ == "__main__":
    serve(PatientviewSettings, build)
