package org.simplepush.appserver.internal.send;

/** How many outcomes of each kind there were. Not thread-safe: its owner guards it. */
public final class OutcomeTally {
  long accepted;

  /** Of those accepted. */
  long stale;

  long gone;
  long rejected;
  long refused;
  long failed;

  void count(Outcome outcome) {
    switch (outcome.type()) {
      case ACCEPTED -> {
        accepted++;
        if (((Outcome.Accepted) outcome).stale()) {
          stale++;
        }
      }
      case GONE -> gone++;
      case REJECTED -> rejected++;
      case REFUSED -> refused++;
      case FAILED -> failed++;
    }
  }

  /** Returns the numbers of this moment. */
  Counts counts() {
    return new Counts(accepted, stale, gone, rejected, refused, failed);
  }

  /** The numbers of one moment. */
  public record Counts(
      long accepted, long stale, long gone, long rejected, long refused, long failed) {}
}
