"""The oracle: a second evaluator of the criteria language, written separately from the engine and as simple as can be.

It reads every fact at every question, shares nothing, keeps nothing and explains nothing; what it has in common with the
engine are the types of facts and criteria and the rows of the terminology tables. Where the two disagree, one is wrong.
"""

from trialbridge.testkit.oracle.answers import Answer
from trialbridge.testkit.oracle.judging import LEAVES, Judged, judge, judge_trial
from trialbridge.testkit.oracle.patient import Patient

__all__ = ["LEAVES", "Answer", "Judged", "Patient", "judge", "judge_trial"]
