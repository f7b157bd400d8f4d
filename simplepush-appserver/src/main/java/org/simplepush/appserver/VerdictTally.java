package org.simplepush.appserver;

/** How many verdicts of each kind there were. Whoever owns it guards it. */
final class VerdictTally {
  long accepted;

  /** Of those accepted. */
  long stale;

  long gone;
  long rejected;
  long refused;
  long failed;

  void count(Verdict verdict) {
    if (verdict instanceof Verdict.Accepted it) {
      accepted++;
      if (it.stale()) {
        stale++;
      }
    } else if (verdict instanceof Verdict.Gone) {
      gone++;
    } else if (verdict instanceof Verdict.Rejected) {
      rejected++;
    } else if (verdict instanceof Verdict.Refused) {
      refused++;
    } else {
      failed++;
    }
  }
}
